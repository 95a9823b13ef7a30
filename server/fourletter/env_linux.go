package fourletter

import "golang.org/x/sys/unix"

// osVersion is the release of the kernel.
func osVersion() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return notAvailable
	}
	return unix.ByteSliceToString(name.Release[:])
}

// machineBytes is how much memory the machine has; 0: unknown.
func machineBytes() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}
