// Package backup keeps copies of what a server has on disk, and makes data
// directories of them again.
//
// A backup is a folder: version-2 with snapshots and logs, in which every
// other tool can look, and backup.json, which names each file with its size and
// SHA-256. It is written whole or not at all: under a temporary name that it
// loses when everything was verified. It is taken beside a running server,
// Meerkat's or Apache's, from its data directory, or through the admin server
// of one that is elsewhere.
//
// As far back as a backup has snapshots, it can be restored to any transaction
// since; the digests that servers write into their logs prove that the result
// is what they had.
package backup
