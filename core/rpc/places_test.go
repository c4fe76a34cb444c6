package rpc_test

import (
	"net"
	"testing"

	"github.com/chainweir/weir/core/rpc"
)

// However many addresses connections come from, there are never more than
// MaxConns, nor more than MaxPerHost from one; a place that is given back can be
// taken by anybody.
func TestTooManyConnectionsFromManyHosts(t *testing.T) {
	clients := rpc.NewClients(rpc.Limits{MaxConns: 10, MaxPerHost: 4})
	host := func(i int) net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, byte(i)), Port: 1000 + i} }
	for i := range 5 {
		if got := clients.Connect(host(0)); got != (i < 4) {
			t.Fatalf("connection %d from one address: %v", i, got)
		}
	}
	for i := range 20 { // each from an address of its own
		if got := clients.Connect(host(1 + i)); got != (i < 6) {
			t.Fatalf("connection %d of at most 10: %v", 4+i, got)
		}
	}
	clients.Disconnect(host(0))
	if !clients.Connect(host(30)) || clients.Connect(host(31)) {
		t.Error("one place was given back: not exactly one could be taken")
	}
}
