package core_test

import (
	"errors"
	"net"
	"os"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
)

// Signatures go unchecked only on the one chain that is named for it, only when
// asked for, and never for a client.
func TestUnsigned(t *testing.T) {
	gen := genesis.Dev(4)
	signed := t.TempDir()
	if _, err := core.Open(core.Config{Dir: signed, Genesis: gen, Unsigned: true}); !errors.Is(err, core.ErrUnsigned) {
		t.Errorf("the mode on an ordinary chain: %v", err)
	}
	if left, err := os.ReadDir(signed); err != nil || len(left) != 0 {
		t.Errorf("the refusal left %v, %v", left, err)
	}
	closeNode(t, open(t, core.Config{Dir: signed, Genesis: gen}))
	if _, err := core.Open(core.Config{Dir: signed, Unsigned: true}); !errors.Is(err, core.ErrUnsigned) {
		t.Errorf("the mode on an ordinary chain's directory: %v", err)
	}

	bench := genesis.Dev(4)
	bench.Name = core.UnsignedChain
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: bench, Unsigned: true})
	f := tx.Fields{Kind: tx.KindTransfer, From: 1, To: 2, Amount: 3, Nonce: 1, Expiry: never}
	stranger := tx.Fields{Kind: tx.KindTransfer, From: 9, To: 2, Amount: 3, Nonce: 1, Expiry: never}
	r := newRecorder()
	fed(t, n, r, 0, []tx.View{f.AppendUnsigned(nil), f.AppendUnsigned(nil), stranger.AppendUnsigned(nil)})
	r.settled(t, 0, 3)
	if r.acks[0] != tx.StatusOK || r.acks[1] != tx.StatusNonceUsed || r.acks[2] != tx.StatusUnknownSender {
		t.Errorf("acknowledged as %v", r.acks)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := n.Serve(t.Context(), ln, rpc.Config{}); !errors.Is(err, core.ErrUnsigned) {
		t.Errorf("serving clients: %v", err)
	}
	closeNode(t, n)
	if _, err := core.Open(core.Config{Dir: dir}); !errors.Is(err, core.ErrUnsigned) {
		t.Errorf("an ordinary node on the unsigned chain: %v", err)
	}
}
