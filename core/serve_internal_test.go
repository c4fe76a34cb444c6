package core

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/wire"
)

// The genesis is made into JSON once, not for each question, and the server
// knows how large it is.
func TestGenesisIsCached(t *testing.T) {
	gen := genesis.Dev(4)
	n := rpcNode{&Node{gen: gen}}
	code, first, _ := n.Query(context.Background(), wire.QueryGenesis, nil)
	if code != wire.ReplyOK || !bytes.Equal(first, gen.JSON()) || n.MaxAnswer(wire.QueryGenesis) != len(first) {
		t.Fatalf("code %d, %d bytes", code, len(first))
	}
	if _, second, _ := n.Query(context.Background(), wire.QueryGenesis, nil); &first[0] != &second[0] {
		t.Error("a second question made it again")
	}
	if got := testing.AllocsPerRun(10, func() { n.genesisFile() }); got > 0 {
		t.Errorf("%.0f allocations for a genesis that is there", got)
	}
}

// A genesis that no reply carries is refused with its size, the limit and a way
// out, and takes no room for an answer.
func TestLargeGenesisIsRefused(t *testing.T) {
	for _, size := range []int{wire.MaxAnswer, wire.MaxAnswer + 1} {
		n := rpcNode{&Node{gen: genesis.Dev(1)}}
		n.genesisOnce.Do(func() { n.genesisJSON = make([]byte, size) })
		code, answer, _ := n.Query(context.Background(), wire.QueryGenesis, nil)
		most := n.MaxAnswer(wire.QueryGenesis)
		if size <= wire.MaxAnswer {
			if code != wire.ReplyOK || len(answer) != size || most != size {
				t.Errorf("%d bytes: code %d, %d bytes, at most %d", size, code, len(answer), most)
			}
			continue
		}
		if code != wire.ReplyNotReady || most > rpc.SmallAnswerBytes {
			t.Errorf("code %d, room for %d bytes", code, most)
		}
		for _, want := range []string{"83886076", "83886075", "data directory"} {
			if !strings.Contains(string(answer), want) {
				t.Errorf("%q does not say %q", answer, want)
			}
		}
	}
}
