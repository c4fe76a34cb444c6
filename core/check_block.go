package core

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
	"github.com/chainweir/weir/merkle"
)

// checkPiece is how many signatures a core takes at a time: enough for a batch,
// few enough that all cores end together.
const checkPiece = 256

// checker holds what re-verifying a block needs.
type checker struct {
	rep    *replayer
	keys   *verify.Keys
	cores  []verify.Verifier // one for each core
	roots  *merkle.Builder
	leaves [][]byte
	status []tx.Status

	// Blocks from first up to this one are not executed, because the ledger is
	// already the one after it. See linkOnly.
	first, linkedTo uint64
}

func newChecker(gen *genesis.Genesis) (*checker, error) {
	rep, err := newReplayer(gen)
	if err != nil {
		return nil, err
	}
	return makeChecker(rep)
}

// makeChecker goes on from where a replayer is.
func makeChecker(rep *replayer) (*checker, error) {
	k := &checker{rep: rep, keys: verify.NewKeys(1 << 16), roots: merkle.NewBuilder(merkle.RFC6962, 1)}
	for range runtime.GOMAXPROCS(0) {
		k.cores = append(k.cores, verify.NewBatch(rep.chain, k.keys))
	}
	return k, k.addKeys()
}

// linkOnly makes the checker begin at a block that is not behind the ledger that
// it has. Until it gets to the block of that ledger it executes nothing. Keys
// never change, so the signatures can be checked all the same.
func (k *checker) linkOnly(first uint64) {
	if to := k.rep.tip.header.Height; first <= to {
		k.first, k.linkedTo = first, to
	}
}

// addKeys gives the verifiers the keys of slots opened since the last call.
func (k *checker) addKeys() error {
	for slot := k.keys.Len(); slot < k.rep.st.Len(); slot++ {
		a, err := k.rep.st.Account(uint32(slot))
		if err != nil {
			return err
		}
		k.keys.Append(a.PublicKey)
	}
	return nil
}

// block checks one block completely and applies it. The signatures are checked
// on all cores while this goroutine executes the block and computes the roots;
// then it helps.
func (k *checker) block(b *parsedBlock) error {
	if b.height == k.first && k.linkedTo > 0 {
		// Nothing is known of the block before: what this one says of it.
		k.rep.tip = tip{tx.Header{Height: b.height - 1}, b.header.Prev}
	}
	if err := k.rep.link(b); err != nil {
		return err
	}
	if cap(k.status) < len(b.txs) {
		k.status = make([]tx.Status, len(b.txs))
	}
	k.status = k.status[:len(b.txs)]
	clear(k.status)
	var (
		next atomic.Int64
		wg   sync.WaitGroup
	)
	for _, core := range k.cores[1:] {
		if len(b.txs) > checkPiece {
			wg.Go(func() { k.signatures(core, b.txs, &next) })
		}
	}
	err := k.execute(b)
	if err == nil {
		k.signatures(k.cores[0], b.txs, &next)
	}
	wg.Wait()
	if err != nil {
		return err
	}
	for i, s := range k.status {
		if s != tx.StatusOK {
			return fmt.Errorf("transaction %d: %s", i, s)
		}
	}
	return k.addKeys()
}

// signatures checks pieces of the block until none are left.
func (k *checker) signatures(core verify.Verifier, txs []tx.View, next *atomic.Int64) {
	for {
		from := int(next.Add(checkPiece)) - checkPiece
		if from >= len(txs) {
			return
		}
		to := min(from+checkPiece, len(txs))
		core.Verify(txs[from:to], k.status[from:to])
	}
}

// execute applies the block and compares both roots.
func (k *checker) execute(b *parsedBlock) error {
	h := &b.header
	linkedOnly := h.Height <= k.linkedTo
	if linkedOnly {
		k.rep.moved(b)
	} else if err := k.rep.apply(b); err != nil {
		return err
	}
	k.leaves = k.leaves[:0]
	for _, t := range b.txs {
		k.leaves = append(k.leaves, t)
	}
	root, err := k.roots.Root(k.leaves)
	if err != nil {
		return err
	}
	if root != h.TxRoot {
		return fmt.Errorf("the transactions have the root %x, the header says %x", root[:8], h.TxRoot[:8])
	}
	if linkedOnly {
		return nil
	}
	if root := k.rep.st.Root(); root != h.StateRoot {
		return fmt.Errorf("the state root is %x, the header says %x", root[:8], h.StateRoot[:8])
	}
	return nil
}
