// Package sha256x computes many SHA-256 compressions at once: pairs of digests
// for Merkle trees, and many messages of any lengths. It is the machine room of
// package hash, which checks lengths and chooses an implementation; use that
// one.
//
// Each file has one role. generic.go is the specification, in plain Go and
// never optimised. A file NAME_amd64.go or NAME_arm64.go holds the functions of
// one instruction set, beside NAME_asm_amd64.s or NAME_asm_arm64.s, which a
// program in asm/_gen wrote.
// Every function of every instruction set does what the function of the same
// name ending in Generic does, and may be called only where its Unavailable
// function returns "".
//
// The functions check nothing: package hash does that before it calls them.
package sha256x
