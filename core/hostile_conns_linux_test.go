package core_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

const (
	crowdFew  = 300
	crowdMany = 10_000
	spareFDs  = 200 // files that this process and the node need for the rest
	// A quarter of the crowd says nothing, a quarter is quiet after its hello, and
	// half are within a frame, for which a quarter have a first buffer of 16 KiB.
	// Two goroutines and a read buffer are most of the rest. A connection may cost
	// this much on average; what does not depend on their number comes on top.
	crowdConnBytes = 32 << 10
	crowdBaseBytes = 32 << 20
)

// crowdSize is how many connections the file limit allows, up to want. Root
// raises the limit.
func crowdSize(t *testing.T, want int) int {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	need := uint64(want + spareFDs)
	limit := old
	if limit.Max < need {
		limit.Max = need // only root may
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		limit.Max, limit.Cur = old.Max, old.Max
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if limit.Max == old.Max { // a raised hard limit stays
			_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
		}
	})
	if limit.Cur < need {
		got := int(limit.Cur) - spareFDs
		t.Logf("the limit of %d open files allows %d connections instead of %d: raise it with ulimit -n", limit.Cur, got, want)
		return got
	}
	return want
}

// from dials with a source address, so that the node sees another client.
func from(host string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
		return d.DialContext(ctx, "tcp", addr)
	}
}

// crowd opens n connections that do as little as they can get away with: some
// say nothing, others stop after the hello, within a frame's header, within a
// submission that announces the most there may be. It returns how many of those
// that said hello were welcomed.
func crowd(t *testing.T, addr string, n int) (conns []net.Conn, greeted, welcomed int) {
	t.Helper()
	hello := (&wire.Hello{Version: wire.ProtocolVersion}).Append(nil)
	header := wire.AppendHeader(nil, wire.TypeSubmit, 0, wire.MaxPayload)
	parts := [][]byte{nil, hello, append(hello, header[:5]...), append(append(hello, header...), make([]byte, 300)...)}
	for i := range n {
		nc, err := from("127.0.0.3")(t.Context(), addr)
		if err != nil {
			t.Fatalf("connection %d of %d: %v", i, n, err)
		}
		conns = append(conns, nc)
		if err := nc.SetDeadline(time.Now().Add(deadline)); err != nil {
			t.Fatal(err)
		}
		_, _ = nc.Write(parts[i%len(parts)]) // the node may have hung up
	}
	for i, nc := range conns {
		if i%len(parts) == 0 {
			continue
		}
		greeted++
		if typ, _, _, err := wire.ReadFrame(nc, nil, 1<<16); err == nil && typ == wire.TypeWelcome {
			welcomed++
		}
	}
	return conns, greeted, welcomed
}

// residentBytes is what a process holds in memory.
func residentBytes(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// A crowd of connections does not keep others from being served, whether the
// node takes them all or refuses those over its limits, and its places are free
// again when it is gone.
func TestManyConnections(t *testing.T) {
	n := crowdSize(t, times(t, crowdFew, crowdMany))
	for _, c := range []struct {
		name string
		max  int // connections that the node takes; half of them from one address
	}{{"all are taken", 2*n + 100}, {"most are refused", n}} {
		t.Run(c.name, func(t *testing.T) {
			gen := genesis.Dev(killAccounts)
			node := startChild(t, t.TempDir(), fmt.Sprintf("%s=%d", nodeConnsEnv, c.max))
			before := residentBytes(t, node.cmd.Process.Pid)
			good, r := dial(t, node.addr, client.Options{Dial: from("127.0.0.2")})
			conns, greeted, welcomed := crowd(t, node.addr, n)
			after := residentBytes(t, node.cmd.Process.Pid)
			t.Logf("%d connections, %d said hello, %d were welcomed; the node held %d KiB and holds %d: %d bytes a connection",
				n, greeted, welcomed, before>>10, after>>10, (after-before)/int64(n))
			if most := before + crowdBaseBytes + int64(n)*crowdConnBytes; after > most {
				t.Errorf("the node holds %d bytes, with %d connections it may hold %d", after, n, most)
			}
			switch perHost := c.max / 2; {
			case perHost >= n && welcomed != greeted:
				t.Errorf("%d of %d were welcomed by a node that takes %d from one address", welcomed, greeted, perHost)
			case perHost < n && (welcomed > perHost || welcomed < perHost/2):
				t.Errorf("%d were welcomed by a node that takes %d from one address", welcomed, perHost)
			}
			w := newWallet(gen)
			for i := range uint64(20) { // over the connection from before
				submit(t, good, r, i, w.transfer(uint32(i), 0, 1))
				if s := r.final(i); s != tx.StatusOK {
					t.Errorf("beside the crowd a transaction is %s", s)
				}
			}
			late, lr := dial(t, node.addr, client.Options{Dial: from("127.0.0.2")}) // over a new one
			submit(t, late, lr, 0, w.transfer(30, 0, 1))
			if s := lr.final(0); s != tx.StatusOK {
				t.Errorf("over a new connection beside the crowd a transaction is %s", s)
			}
			for _, nc := range conns {
				_ = nc.Close()
			}
			freed(t, node.addr)
			_, _ = good.Close(), late.Close()
			if err := node.quit(); err != nil {
				t.Errorf("a node that is asked to end: %v", err)
			}
		})
	}
}

// freed connects from the crowd's address as soon as that is possible.
func freed(t *testing.T, addr string) {
	t.Helper()
	for limit := time.Now().Add(deadline); ; {
		c, err := client.Dial(t.Context(), addr, client.Options{Dial: from("127.0.0.3")})
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("the crowd is gone and its address still refused: %v", err)
		}
	}
}
