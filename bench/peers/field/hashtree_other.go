//go:build !(cgo && linux && (amd64 || arm64))

package field

import "github.com/chainweir/weir/bench/peers/contest"

func hashtreePairs([]byte) contest.Contestant {
	c := peer("hashtree", nil)
	c.LeftOut = "its object file needs a C compiler to link (CGO_ENABLED=1), here on Linux, amd64 or arm64"
	return c
}
