// Command sha256many writes the kernels that hash many SHA-256 messages of any
// lengths at once: manyLanes16 and manyLanes32 for AVX-512, manyStreams2 and
// manyStreams4 for SHA-NI.
//
// # Lanes: AVX-512
//
// A zmm register holds one 32-bit word of 16 messages, one message in each
// lane, so that one instruction does one step of 16 hashes. A set is what 16
// lanes need: eight registers for the working variables a..h, and memory for
// the rest. manyLanes32 runs two sets side by side in one loop; the
// instructions of one fill the waiting times of the other.
//
// One turn of the loop compresses one block of every lane:
//
//	sets 0 and 1   rounds 0-15, 16-31, 32-47    rounds 48-63            add
//	               one body, three times        a body of its own
//	alongside      words of the 16 rounds       read, pad, transpose
//	               to come                      the next block
//
// The last 16 rounds have no more words to make. Instead they fill a second
// ring of 16 schedule words with the next block (load.go). A call hashes several
// groups of 16 or 32 messages; while the last rounds of one run, the next block
// is the first of the next group, so only the first group waits for its load.
//
// One body three times, not 48 rounds in a row, keeps the loop at 2400
// instructions, 16 KB: it stays in the micro-op cache of Zen 4 and 5, which
// straight-line code of both sets would overflow.
//
// Every block is read as if it were the last of its message: through a mask
// that ends with the message, over a row that holds the byte 0x80 in the right
// place. So whole blocks, last blocks and lanes that have ended need no cases,
// and no byte outside a message is touched. A lane that has ended goes on with
// zeros, but its hash value is no longer written.
//
// # Streams: SHA-NI
//
// SHA256RNDS2 takes four cycles and a new one can start after two, so one
// message leaves half of the unit idle. manyStreams2 and 4 work on as many
// messages at a time (streams.go). Package internal/shani describes the
// instructions.
package main

import (
	"github.com/mmcloughlin/avo/build"
)

//go:generate go run . -out ../../sha256x/many_asm_amd64.s -stubs ../../sha256x/many_asm_amd64.go -pkg sha256x

func main() {
	build.ConstraintExpr("amd64,gc,!purego")
	t := newTables()
	lanes(t, 1)
	lanes(t, 2)
	streams(t, 2)
	streams(t, 4)
	build.Generate()
}
