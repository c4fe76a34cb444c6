package env

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// dataSync makes what was written to f durable, without the metadata that is
// not needed to read it back.
func dataSync(f *os.File) error {
	for range 100 { // a signal may interrupt it; not for ever
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
	return unix.EINTR
}
