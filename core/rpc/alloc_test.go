//go:build !race

package rpc_test

import (
	"net"
	"testing"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/wire"
)

// Taking a frame apart and asking the limits about it allocates nothing once its
// buffers are there: neither per transaction nor per frame.
func TestSubmissionDoesNotAllocate(t *testing.T) {
	const n = 100
	txs := submission(0, n)[wire.HeaderSize+wire.SubmitHeaderSize:]
	clients := rpc.NewClients(rpc.Limits{TxPerSec: 1e9})
	se := clients.Session(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil)
	defer se.Close()
	s := new(rpc.Pool).Get()
	got := testing.AllocsPerRun(100, func() {
		if _, ok, err := s.Fill(se, nil, 0, n, txs, n); !ok || err != nil {
			t.Fatal(ok, err)
		}
		s.Done() // nobody else takes it from the pool
	})
	if got != 0 {
		t.Errorf("%.1f allocations for a frame of %d transactions", got, n)
	}
}
