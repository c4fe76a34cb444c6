package rpc

import (
	"io"
	"time"
)

// SetClock replaces the clock of the rate limits.
func SetClock(cs *Clients, now func() time.Time) { cs.now = now }

// Admit asks the limits about n transactions.
func Admit(s *Session, n int) (time.Duration, bool) { return s.admit(n) }

// Known is how many clients are remembered.
func Known(cs *Clients) int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.clients)
}

// Number is the client's number in the node.
func Number(s *Session) uint64 { return s.number }

// ReadHalf reads a submission of n announced bytes and tells how much memory it
// has in the end.
func ReadHalf(r io.Reader, n int) (memory int, err error) {
	s := new(Submission)
	err = s.read(r, n)
	return cap(s.Buf), err
}

// InFlight is how many bytes of all clients are.
func InFlight(cs *Clients) int64 { return cs.inFlight.Load() }

// ReadBack reads a submission of n bytes and returns them.
func ReadBack(r io.Reader, n int) ([]byte, error) {
	s := new(Submission)
	err := s.read(r, n)
	return s.Buf, err
}
