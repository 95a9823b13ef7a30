//go:build !linux

package main

import "syscall"

// memberAttributes keeps Ctrl-C from the servers, which are stopped in order.
func memberAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
