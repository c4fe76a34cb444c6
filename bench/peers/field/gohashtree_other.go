//go:build !(amd64 || arm64)

package field

import "github.com/chainweir/weir/bench/peers/contest"

func gohashtreePairs([]byte) contest.Contestant {
	c := peer("gohashtree", nil)
	c.LeftOut = "it compiles for amd64 and arm64 only"
	return c
}
