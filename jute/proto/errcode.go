package proto

import "strconv"

// ErrCode is the err field of a reply header; OK is 0 and all others are
// negative (KeeperException.Code). A non-zero code is also a Go error.
type ErrCode int32

// The error codes of Apache ZooKeeper 3.9.5.
const (
	OK                        ErrCode = 0
	ErrSystem                 ErrCode = -1
	ErrRuntimeInconsistency   ErrCode = -2
	ErrDataInconsistency      ErrCode = -3
	ErrConnectionLoss         ErrCode = -4
	ErrMarshalling            ErrCode = -5
	ErrUnimplemented          ErrCode = -6
	ErrOperationTimeout       ErrCode = -7
	ErrBadArguments           ErrCode = -8
	ErrUnknownSession         ErrCode = -12
	ErrNewConfigNoQuorum      ErrCode = -13
	ErrReconfigInProgress     ErrCode = -14
	ErrAPI                    ErrCode = -100
	ErrNoNode                 ErrCode = -101
	ErrNoAuth                 ErrCode = -102
	ErrBadVersion             ErrCode = -103
	ErrNoChildrenForEphemeral ErrCode = -108
	ErrNodeExists             ErrCode = -110
	ErrNotEmpty               ErrCode = -111
	ErrSessionExpired         ErrCode = -112
	ErrInvalidCallback        ErrCode = -113
	ErrInvalidACL             ErrCode = -114
	ErrAuthFailed             ErrCode = -115
	ErrSessionMoved           ErrCode = -118
	ErrNotReadOnly            ErrCode = -119
	ErrEphemeralOnLocal       ErrCode = -120
	ErrNoWatcher              ErrCode = -121
	ErrRequestTimeout         ErrCode = -122
	ErrReconfigDisabled       ErrCode = -123
	ErrSASLAuthRequired       ErrCode = -124
	ErrQuotaExceeded          ErrCode = -125
	ErrThrottledOp            ErrCode = -127
)

var errTexts = map[ErrCode]string{
	OK: "ok", ErrSystem: "SystemError", ErrRuntimeInconsistency: "RuntimeInconsistency",
	ErrDataInconsistency: "DataInconsistency", ErrConnectionLoss: "ConnectionLoss",
	ErrMarshalling: "MarshallingError", ErrUnimplemented: "Unimplemented",
	ErrOperationTimeout: "OperationTimeout", ErrBadArguments: "BadArguments",
	ErrUnknownSession: "UnknownSession", ErrNewConfigNoQuorum: "NewConfigNoQuorum",
	ErrReconfigInProgress: "ReconfigInProgress", ErrAPI: "APIError", ErrNoNode: "NoNode",
	ErrNoAuth: "NoAuth", ErrBadVersion: "BadVersion",
	ErrNoChildrenForEphemeral: "NoChildrenForEphemerals", ErrNodeExists: "NodeExists",
	ErrNotEmpty: "Directory not empty", ErrSessionExpired: "Session expired",
	ErrInvalidCallback: "Invalid callback", ErrInvalidACL: "InvalidACL",
	ErrAuthFailed: "AuthFailed", ErrSessionMoved: "Session moved",
	ErrNotReadOnly: "Not a read-only call", ErrEphemeralOnLocal: "Ephemeral node on local session",
	ErrNoWatcher: "No such watcher", ErrRequestTimeout: "RequestTimeout",
	ErrReconfigDisabled: "Reconfig is disabled",
	ErrSASLAuthRequired: "Session closed because client failed to authenticate",
	ErrQuotaExceeded:    "Quota has exceeded", ErrThrottledOp: "Op throttled due to high load",
}

// Error returns the text that Apache's clients show for the code.
func (e ErrCode) Error() string {
	if text, ok := errTexts[e]; ok {
		return text
	}
	return "error code " + strconv.Itoa(int(e))
}
