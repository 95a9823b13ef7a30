package session

import (
	"errors"
	"fmt"
	"math"
)

// ErrServerID means a server id whose sessions could be taken for TTL nodes.
var ErrServerID = errors.New("session: server id too large")

// maxExtendedServerID is the highest server id with TTL nodes: 0xff in the
// top byte of an ephemeral's owner marks them (EphemeralType).
const maxExtendedServerID = 254

// ValidateServerID refuses server ids above 254 when TTL nodes are on
// (extendedTypesEnabled). The error wraps ErrServerID.
func ValidateServerID(serverID int64, extendedTypes bool) error {
	if extendedTypes && serverID > maxExtendedServerID {
		return fmt.Errorf("%w: extendedTypesEnabled is true, so %d is above what is allowed: %d", ErrServerID, serverID, maxExtendedServerID)
	}
	return nil
}

// ServerOf returns the low byte of the id of the server that gave a session its
// id.
func ServerOf(id int64) byte { return byte(uint64(id) >> 56) }

// FirstID is the first session id that a server gives out: the low byte of
// its id on top, then 5 bytes of the time, then 2 zero bytes to count up.
// elapsedMs is a monotonic clock in ms, see [MonotonicMs]. A standalone
// server uses 1.
func FirstID(serverID, elapsedMs int64) int64 {
	id := int64(uint64(elapsedMs)<<24>>8) | serverID<<56
	if id == math.MinInt64 {
		id++ // this owner marks a container
	}
	return id
}
