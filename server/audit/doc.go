// Package audit writes who has changed what, one line each, in the format of
// Apache ZooKeeper's audit log (AuditEvent, AuditHelper, Slf4jAuditLogger).
//
// A [Subject] is what a request wants to change, read from its record before
// it runs; an [Event] is what came of it; a [Log] writes events without
// holding up who reports them.
package audit
