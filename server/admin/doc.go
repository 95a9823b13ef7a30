// Package admin serves what operators ask a server over HTTP: the commands of
// Apache ZooKeeper's AdminServer, with its paths, keys, types and status
// codes, and probes for supervisors: /livez, /readyz and /role.
//
// What the commands show and do comes from a [View]; the package knows no
// server. It was written against recordings of Apache ZooKeeper 3.9.5
// (JettyAdminServer, Commands, JsonOutputter); shed_connections is that of
// Apache's development branch. Where Apache's server fails with a Java stack
// trace and a 500, this one answers the same code with an error in JSON.
package admin
