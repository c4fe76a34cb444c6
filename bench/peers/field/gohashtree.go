//go:build amd64 || arm64

package field

import (
	"github.com/prysmaticlabs/gohashtree"

	"github.com/chainweir/weir/bench/peers/contest"
)

func gohashtreePairs(src []byte) contest.Contestant {
	return peer("gohashtree", func(dst []byte) error { return gohashtree.HashByteSlice(dst, src) })
}
