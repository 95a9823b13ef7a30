//go:build !linux

package session

import "time"

// uptimeMs is any number that grows from one start of the server to the next.
func uptimeMs() int64 { return time.Now().UnixMilli() }
