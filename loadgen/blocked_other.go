//go:build !unix

package loadgen

const canWriteRaw = false

// writeRaw is never reached: without a way to look into the socket, writes are
// timed instead.
func (c *meteredConn) writeRaw(b []byte) (int, error) { return c.writeTimed(b) }
