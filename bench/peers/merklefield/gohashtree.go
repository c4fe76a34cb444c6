//go:build amd64 || arm64

package merklefield

import (
	"github.com/prysmaticlabs/gohashtree"

	"github.com/chainweir/weir/bench/peers/contest"
)

func gohashtreeLayers(flat []byte) contest.Contestant {
	return peer(gohashtreeName, "layer by layer", layers(flat, gohashtree.HashByteSlice))
}
