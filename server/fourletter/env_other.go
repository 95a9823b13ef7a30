//go:build !linux

package fourletter

func osVersion() string { return notAvailable }

// machineBytes is how much memory the machine has; 0: unknown.
func machineBytes() uint64 { return 0 }
