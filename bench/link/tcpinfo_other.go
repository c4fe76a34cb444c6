//go:build !linux

package link

import "net"

// countSegments knows nothing here: the result assumes full frames at MTU 1500
// and says so in Direction.Method and a warning.
func countSegments(net.Conn) segmentCount { return segmentCount{} }

// receivedSegments knows nothing here: payload is counted instead.
func receivedSegments(net.Conn) (n uint32, ok bool) { return 0, false }

// limitUnsent has no portable form: the test may end a little later.
func limitUnsent(net.Conn, int) {}
