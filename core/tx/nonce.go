package tx

// Replay protection works as the anti-replay window of RFC 4303 section 3.4.3:
// an account keeps the highest nonce it has used and a bitmap of the 128
// numbers that end there. Numbers inside the window are accepted once and in
// any order, so a sender may pipeline; gaps never block it.
const (
	// WindowSize is how many nonces, counted down from the highest, are remembered.
	WindowSize = 128
	// MaxNonceStep is how far one transaction may move the window.
	MaxNonceStep = 1 << 20
	// MaxNonce is the highest number: ledger records keep 48 bits of it. At a
	// thousand transactions a second it lasts an account nine thousand years.
	MaxNonce = 1<<48 - 1
)

// Window is an account's replay window. The zero value is a new account's:
// no nonce used. Nonces start at 1.
type Window struct {
	High   uint64    // highest nonce used, 0 for none
	Bitmap [2]uint64 // bit i (of 128): nonce High-i has been used
}

// Check tells whether the nonce may be used: StatusOK, StatusNonceUsed or
// StatusNonceTooFar. It changes nothing.
func (w *Window) Check(nonce uint64) Status {
	if nonce > w.High {
		if nonce-w.High > MaxNonceStep || nonce > MaxNonce {
			return StatusNonceTooFar
		}
		return StatusOK
	}
	d := w.High - nonce
	if nonce == 0 || d >= WindowSize || w.Bitmap[d>>6]&(1<<(d&63)) != 0 {
		return StatusNonceUsed
	}
	return StatusOK
}

// Use marks a nonce that Check accepted at the time. Numbers that have left the
// window since need no mark, so the window after several does not depend on the
// order in which they are marked.
func (w *Window) Use(nonce uint64) {
	if nonce <= w.High {
		if d := w.High - nonce; d < WindowSize {
			w.Bitmap[d>>6] |= 1 << (d & 63)
		}
		return
	}
	switch s := nonce - w.High; {
	case s >= 128:
		w.Bitmap = [2]uint64{}
	case s >= 64:
		w.Bitmap = [2]uint64{0, w.Bitmap[0] << (s - 64)}
	default: // s is 1..63
		w.Bitmap[1] = w.Bitmap[1]<<s | w.Bitmap[0]>>(64-s)
		w.Bitmap[0] <<= s
	}
	w.High = nonce
	w.Bitmap[0] |= 1
}

// Release frees a nonce that was used and then not included after all. Numbers
// that have left the window stay used.
func (w *Window) Release(nonce uint64) {
	if nonce == 0 || nonce > w.High || w.High-nonce >= WindowSize {
		return
	}
	d := w.High - nonce
	w.Bitmap[d>>6] &^= 1 << (d & 63)
}
