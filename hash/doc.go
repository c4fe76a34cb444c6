// Package hash computes SHA-256 and BLAKE3: one message, a stream, or many
// messages, pairs and records in one call.
//
// The calls for many items exist because that is where hashing a Merkle tree
// or a block of transactions can be made fast: an implementation may work on
// several items at once, and how many is nobody's business but its own.
// Callers hand over as much as they have and never learn the lane count.
//
// Every function has several implementations. Which one runs is decided by
// package asm/cpu: it measures them on this machine at the first call, which
// therefore takes some milliseconds, or obeys the environment variable
// WEIR_IMPL, as in WEIR_IMPL=sha256_pairs:std,blake3:zeebo. The result never
// depends on the choice.
//
// All functions are safe for concurrent use and, apart from the first call,
// allocate nothing. Digests are [Size] bytes. In calls with dst and src the
// buffers must not overlap unless the function says that they may.
//
// The package is for hashing public data. Nothing here was reviewed for
// secrets: for keys and passwords use crypto/hmac and its kin.
package hash
