package conf

import "strings"

// Admin says how commands are served over HTTP.
type Admin struct {
	// Enabled serves them (admin.enableServer).
	Enabled bool
	// Address and Port are where; port 0 is any free one
	// (admin.serverAddress, admin.serverPort).
	Address string
	Port    int
	// IdleTimeoutMs closes a silent connection; <= 0 is never
	// (admin.idleTimeout).
	IdleTimeoutMs int
	// CommandURL is the path of the commands (admin.commandURL).
	CommandURL string
	// RateLimiterMs is the shortest time between two restores; the snapshot
	// command reads the same number as microseconds
	// (admin.rateLimiterIntervalInMS).
	RateLimiterMs int64
	// SnapshotEnabled and RestoreEnabled offer these commands
	// (admin.snapshot.enabled, admin.restore.enabled).
	SnapshotEnabled, RestoreEnabled bool
}

// Metrics says who gets the metrics.
type Metrics struct {
	// Prometheus serves them over HTTP (metricsProvider.className).
	Prometheus bool
	// Address and Port are where; port 0 is any free one
	// (metricsProvider.httpHost, metricsProvider.httpPort).
	Address string
	Port    int
	// Runtime adds those of the process and of Go's runtime
	// (metricsProvider.exportJvmInfo).
	Runtime bool
}

// Log says what the server logs, and where to.
type Log struct {
	Level  string // meerkat.logLevel
	Format string // meerkat.logFormat
	File   string // to append to; "" is standard error (meerkat.logFile)
}

// Audit says what is logged of who did what.
type Audit struct {
	// Enabled logs every change, with its author (audit.enable).
	Enabled bool
	// File gets these lines; "" is the server's log (meerkat.auditFile).
	File string
	// SlowRequestMs logs every request that took longer; <= 0 is none
	// (meerkat.slowRequestMs).
	SlowRequestMs int64
}

// redactedText stands for a value that nobody may see.
const redactedText = "..."

// properties fills Config.Properties.
func (l *loader) properties() {
	l.cfg.Properties = make(map[string]string, len(l.props))
	for name, s := range l.props {
		l.cfg.Properties[name] = s.shown()
	}
}

// redacted is the text of the file without the values of secrets: from the
// key on, and with the lines that continue it.
func (l *loader) redacted(data []byte, lines []Property) string {
	secret := map[int]string{} // keys by their line
	for _, p := range lines {
		if k := l.index.named(trim(p.Key)); k != nil && k.Secret {
			secret[p.Line] = trim(p.Key)
		}
	}
	var b strings.Builder
	hiding := false // the lines that continue a secret
	for i, line := range strings.SplitAfter(string(data), "\n") {
		continued := strings.HasSuffix(strings.TrimRight(line, "\r\n"), "\\")
		name, isSecret := secret[i+1]
		switch {
		case isSecret:
			b.WriteString(name + "=" + redactedText + "\n")
			hiding = continued
		case hiding:
			hiding = continued
		default:
			b.WriteString(line)
		}
	}
	return b.String()
}
