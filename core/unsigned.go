package core

import (
	"errors"
	"fmt"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
)

// UnsignedChain is the name of genesis that goes with Config.Unsigned, and with
// nothing else. Such a chain proves nothing: anybody could have written it.
const UnsignedChain = "weir-unsigned-bench"

// ErrUnsigned refuses what would let signatures go unchecked where it matters.
var ErrUnsigned = errors.New("signatures are not checked on this chain")

// checkUnsigned binds the mode to the chain's name, in both directions: no
// option can switch the checks of an existing chain off, and no ordinary node
// goes on with a chain that was written without them. Serve, too, refuses the
// mode: only this process can submit.
func checkUnsigned(cfg *Config, gen *genesis.Genesis) error {
	if cfg.Unsigned == (gen.Name == UnsignedChain) {
		return nil
	}
	if cfg.Unsigned {
		return fmt.Errorf("%w: Config.Unsigned is set for the chain %q, and only a chain named %q may run so", ErrUnsigned, gen.Name, UnsignedChain)
	}
	return fmt.Errorf("%w: %s holds a chain named %q, which is for measuring without signatures; use another directory or another name",
		ErrUnsigned, cfg.Dir, UnsignedChain)
}

// newVerifier makes the verifier of one worker.
func (n *Node) newVerifier() verify.Verifier {
	if n.cfg.Unsigned {
		return trusting{n.keys}
	}
	return verify.NewBatch(n.chain, n.keys)
}

// trusting takes every signature of a registered sender as good.
type trusting struct{ keys *verify.Keys }

// Verify implements verify.Verifier.
func (v trusting) Verify(txs []tx.View, status []tx.Status) {
	slots := uint32(v.keys.Len())
	for i, t := range txs {
		if status[i] == tx.StatusOK && t.From() >= slots {
			status[i] = tx.StatusUnknownSender
		}
	}
}
