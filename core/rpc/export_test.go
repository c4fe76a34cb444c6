package rpc

import "time"

// SetClock replaces the clock of the rate limits.
func SetClock(cs *Clients, now func() time.Time) { cs.now = now }

// Admit asks the limits about n transactions.
func Admit(s *Session, n int) (time.Duration, bool) { return s.admit(0, n) }

// Known is how many clients are remembered.
func Known(cs *Clients) int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.clients)
}

// Number is the client's number in the node.
func Number(s *Session) uint64 { return s.number }
