package cpu

// AtDepth calls f from n frames of about 128 bytes further down the stack.
//
// Measurements take each sample at another depth. An implementation that keeps
// its state on the stack slows down by a quarter where that state happens to
// lie across a page boundary, for as long as the caller stays where it is;
// with the samples spread out, the best of them is free of that accident.
func AtDepth(n int, f func()) { deeper(n, f) }

// deeper has to return something that it reads from its frame, or there would
// be no frame.
//
//go:noinline
func deeper(n int, f func()) byte {
	var frame [104]byte
	if n <= 0 {
		f()
	} else {
		frame[n%len(frame)] = deeper(n-1, f)
	}
	return frame[0]
}
