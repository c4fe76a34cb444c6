//go:build unix

package loadgen

import (
	"errors"
	"io"
	"os"
	"syscall"
)

const canWriteRaw = true

// writeRaw writes with the system call itself, because only that tells a full
// socket (EAGAIN) from a slow copy. The runtime's poller does the waiting, so
// deadlines and Close work as ever.
func (c *meteredConn) writeRaw(b []byte) (int, error) {
	var (
		n       int
		werr    error
		waiting bool
	)
	err := c.raw.Write(func(fd uintptr) bool {
		if waiting {
			waiting = false
			c.meter.change(-1)
		}
		for n < len(b) {
			k, err := syscall.Write(int(fd), b[n:])
			switch {
			case k > 0:
				n += k
			case errors.Is(err, syscall.EINTR):
			case errors.Is(err, syscall.EAGAIN):
				waiting = true
				c.meter.change(+1)
				c.stuck()
				return false
			case err != nil:
				werr = os.NewSyscallError("write", err)
				return true
			default:
				werr = io.ErrUnexpectedEOF
				return true
			}
		}
		return true
	})
	if waiting { // the wait ended with a deadline or a close
		c.meter.change(-1)
	}
	if err == nil {
		err = werr
	}
	return n, err
}
