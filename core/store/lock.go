package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Nobody's process id is longer than this many bytes.
const lockFileMaxBytes = 32

// errLocked is what tryLock returns when somebody else holds the lock.
var errLocked = errors.New("locked")

// Lock locks the lock file name, creating it for a writer. The writer's process
// id is in the file, for the message others get; what counts is the lock.
func (OSFS) Lock(name string, shared bool) (io.Closer, error) {
	flag := os.O_RDWR | os.O_CREATE
	if shared {
		flag = os.O_RDONLY
	}
	f, err := openLockFile(name, flag)
	if err != nil {
		if errors.Is(err, errLocked) {
			return nil, inUseError(name)
		}
		return nil, err
	}
	if err := tryLock(f, shared); err != nil {
		defer f.Close()
		switch {
		case !errors.Is(err, errLocked):
			return nil, fmt.Errorf("locking %s: %w", name, err)
		case !shared && tryLock(f, true) == nil:
			// Only readers are in the way; the process id in the file, if any,
			// is that of a writer that was killed.
			return nil, fmt.Errorf("%w: another process reads it (lock file %s); wait for it to end", ErrInUse, name)
		}
		return nil, inUseError(name)
	}
	if shared {
		return &dirLock{f: f}, nil
	}
	// The id only serves a message: a full disk must not keep the log closed.
	_ = writePID(f)
	return &dirLock{f: f, owner: true}, nil
}

// dirLock holds the lock until it is closed.
type dirLock struct {
	f     *os.File
	owner bool
}

// Close releases the lock. The writer empties the file first, so that a later
// message does not blame a process that left long ago.
func (l *dirLock) Close() error {
	if l.owner {
		return errors.Join(l.f.Truncate(0), releaseLock(l.f))
	}
	return l.f.Close()
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func inUseError(name string) error {
	who := "another process has it open"
	if pid := readPID(name); pid > 0 {
		who = fmt.Sprintf("process %d has it open for writing", pid)
	}
	return fmt.Errorf("%w: %s (lock file %s); stop that process, or use another directory", ErrInUse, who, name)
}

// readPID returns the writer's process id, or 0 if it is not known.
func readPID(name string) int {
	f, err := os.Open(name)
	if err != nil {
		return 0
	}
	defer f.Close()
	b := make([]byte, lockFileMaxBytes)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}
