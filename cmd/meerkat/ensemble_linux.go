package main

import "syscall"

// memberAttributes keeps Ctrl-C from the servers, which are stopped in order,
// and ends them with the program that started them, however it ends.
func memberAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
