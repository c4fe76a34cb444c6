//go:build !unix

package loadgen

// cpuNS is not known here: the record says null, not 0.
func cpuNS() (ns int64, known bool) { return 0, false }
