// Package admin compares what Apache ZooKeeper 3.9.5 and Meerkat tell an
// operator over HTTP and in the audit log: the same keys with the same types
// of values, the same status codes and errors, the same metrics, the same
// lines.
package admin
