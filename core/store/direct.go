package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Direct says whether records are written past the page cache (O_DIRECT).
// Reading always goes through it: recent blocks are asked for often. The two
// agree, because Linux drops cached pages of the range before and after every
// unbuffered write (DirectIO in Documentation/filesystems, iomap_dio_complete);
// the log never maps a segment nor writes one range both ways, the two cases
// where that may fail.
type Direct uint8

// Values of Options.Direct.
const (
	DirectAuto Direct = iota // where system and file system support it
	DirectOn                 // or fail with ErrOptions
	DirectOff                // through the page cache
)

// String is the value as a configuration spells it.
func (d Direct) String() string {
	switch d {
	case DirectAuto:
		return "auto"
	case DirectOn:
		return "on"
	case DirectOff:
		return "off"
	}
	return fmt.Sprintf("Direct(%d)", uint8(d))
}

// ParseDirect is the inverse of String.
func ParseDirect(s string) (Direct, error) {
	for _, d := range []Direct{DirectAuto, DirectOn, DirectOff} {
		if s == d.String() {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%w: direct writes %q; use auto, on or off", ErrOptions, s)
}

// probeName is a scratch file: it exists only while Open looks whether the file
// system takes unbuffered writes.
const probeName = "direct.probe"

// writeMode is how records are written now.
type writeMode struct {
	direct bool
	reason string // why not
}

// refusesDirect tells "cannot" from "failed": EINVAL is how file systems refuse
// O_DIRECT, at open or at the first transfer.
func refusesDirect(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

// startDirect opens the segment at path a second time, for unbuffered writes,
// if the options want them. appendMu is held, or nobody knows the log yet.
func (l *Log) startDirect(path string) error {
	if l.opts.Direct == DirectOff {
		l.mode.Store(&writeMode{reason: "Options.Direct is off"})
		return nil
	}
	f, err := l.openDirect(path, os.O_RDWR, func(f File) error {
		_, err := f.ReadAt(l.buf.b[:PageBytes], 0)
		return err
	})
	l.direct = f
	return l.settleMode(path, err)
}

// probeDirect finds out what the file system can do before there is a segment.
func (l *Log) probeDirect() error {
	if l.opts.Direct == DirectOff {
		l.mode.Store(&writeMode{reason: "Options.Direct is off"})
		return nil
	}
	path := filepath.Join(l.blocks, probeName)
	f, err := l.openDirect(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, func(f File) error {
		_, err := f.WriteAt(l.buf.b[:PageBytes], 0)
		return err
	})
	if f != nil {
		err = f.Close()
	}
	if err == nil || refusesDirect(err) {
		if err := l.opts.FS.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("store: removing the scratch file %s: %w", path, err)
		}
	}
	return l.settleMode(path, err)
}

// openDirect opens a file for unbuffered transfers and tries one of them: some
// file systems accept the flag and refuse the transfer.
func (l *Log) openDirect(path string, flag int, try func(File) error) (File, error) {
	if err := l.buf.atLeast(PageBytes, PageBytes); err != nil {
		return nil, err
	}
	f, err := l.opts.FS.OpenFile(path, flag|OpenDirect, 0o644)
	if err != nil {
		return nil, err
	}
	if err := try(f); err != nil && !errors.Is(err, io.EOF) {
		_ = f.Close() // err says more
		return nil, err
	}
	return f, nil
}

// settleMode notes how records will be written, given how opening went.
func (l *Log) settleMode(path string, err error) error {
	switch {
	case err == nil:
		l.mode.Store(&writeMode{direct: true})
	case !refusesDirect(err):
		return fmt.Errorf("opening %s for unbuffered writes: %w", path, err)
	case l.opts.Direct == DirectOn:
		return fmt.Errorf("%w: Direct is on, but unbuffered writes are refused: %w; use auto or off, or a file system with O_DIRECT", ErrOptions, err)
	default:
		l.mode.Store(&writeMode{reason: fmt.Sprintf("unbuffered writes are refused: %v", err)})
	}
	return nil
}

// writer is the file that records are written to. appendMu is held.
func (l *Log) writer() File {
	if l.direct != nil {
		return l.direct
	}
	return l.active.f
}

// stopDirect closes the second handle of the active segment. appendMu is held.
func (l *Log) stopDirect() error {
	f := l.direct
	l.direct = nil
	if f == nil {
		return nil
	}
	return f.Close()
}
