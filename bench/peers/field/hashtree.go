//go:build cgo && linux && (amd64 || arm64)

package field

import (
	_ "runtime/cgo" // the object file makes the Go linker call the system's, which looks for it

	"github.com/OffchainLabs/hashtree"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/restrict"
)

// hashtreePairs: the library has no cgo, but an object file in it that only the
// system's linker can take in, so this file needs a C compiler.
func hashtreePairs(src []byte) contest.Contestant {
	c := peer("hashtree", func(dst []byte) error { return hashtree.HashByteSlice(dst, src) })
	if len(restrict.Hidden()) > 0 {
		c.LeftOut = "it looks at the processor before features can be hidden from it"
	}
	return c
}
