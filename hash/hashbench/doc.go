// Package hashbench times the implementations of the hash kernels and checks
// every answer they give while they are timed.
//
// A cell is one kernel at one batch size and one message size. In a cell the
// implementations take turns, sample by sample, so that a change of clock
// frequency or a busy neighbour hits all of them alike. A sample is a row of
// calls on fresh random input; each call has its own place for its digests,
// and after the clock has stopped all of them are compared with crypto/sha256
// or, for BLAKE3, with an implementation other than the one being timed. A
// fast wrong answer is therefore seen, also in a call that is not the last.
//
// The figure of a row is the best sample: what disturbs a machine only ever
// adds time. The median stands beside it and shows how disturbed it was.
package hashbench
