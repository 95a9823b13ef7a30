//go:build !linux

package tied

import (
	"os"
	"os/exec"
)

// ToThread does nothing where a child cannot be tied to its parent.
func ToThread(*exec.Cmd) {}

// Group does nothing here: what a child starts itself may stay behind.
func Group(*exec.Cmd) {}

// KillGroup kills the process alone.
func KillGroup(p *os.Process) { _ = p.Kill() }
