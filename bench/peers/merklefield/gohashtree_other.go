//go:build !(amd64 || arm64)

package merklefield

import "github.com/chainweir/weir/bench/peers/contest"

func gohashtreeLayers([]byte) contest.Contestant {
	c := peer(gohashtreeName, "", nil)
	c.LeftOut = "it compiles for amd64 and arm64 only"
	return c
}
