// Package operator runs Meerkat's verbs for operators on Apache's servers:
// status, copy between the two kinds, backup of a running server, and restore
// to a zxid for either.
package operator
