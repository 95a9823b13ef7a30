//go:build !unix

package stats

// registerProcess sets no gauges: this system does not count descriptors.
func registerProcess(*Registry) {}
