// Package packaging tests what is released: the archives of make dist, the
// Debian package, by installing, upgrading, removing and purging it on a
// throw-away view of this machine, and the image, by running it in its own
// root without a container engine.
package packaging
