// Package blake3x computes many BLAKE3 compressions at once: the chunks of a
// message, the parents of a level of its tree, and many short messages. It is
// the machine room of package hash, which checks lengths and chooses an
// implementation; use that one.
//
// generic.go is the specification, in plain Go and never optimised. A file
// NAME_amd64.go holds the functions of one instruction set, beside
// NAME_asm_amd64.s, which a program in asm/_gen wrote. Every function of every
// instruction set does what the function of the same name ending in Generic
// does, and may be called only where its Unavailable function returns "".
//
// The functions check nothing: package hash does that before it calls them.
package blake3x
