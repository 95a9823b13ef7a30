package tied

import (
	"os"
	"os/exec"
	"syscall"
)

// ToThread makes the kernel kill the child when the thread that starts it
// ends: the caller must hold that thread with runtime.LockOSThread until the
// child has ended.
func ToThread(cmd *exec.Cmd) { attributes(cmd).Pdeathsig = syscall.SIGKILL }

// Group makes the child the head of a process group of its own.
func Group(cmd *exec.Cmd) { attributes(cmd).Setpgid = true }

// KillGroup kills a process that Group made the head of a group, and all of
// that group.
func KillGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

func attributes(cmd *exec.Cmd) *syscall.SysProcAttr {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	return cmd.SysProcAttr
}
