// Package field is who runs against whom: the rows, each a piece of hashing
// with its input and its answer, and in each row weir's exported function as it
// is dispatched, the same once more as a control, every implementation that
// package hash lists, and other libraries.
//
// All contestants of a row get the same input. The right answers come from
// crypto/sha256 or, for BLAKE3, from two other libraries that must agree.
//
// Nothing is tuned for a peer and nothing is held back from it: a library for
// batches gets the batch, one for single messages is called in a loop, and
// Avx512Server gets the sixteen goroutines that it was made for.
package field
