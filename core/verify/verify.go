// Package verify checks transaction signatures in batches.
//
// There is one rule, ZIP-215, for a signature alone and in a batch: batch
// verification is cofactored, and a node that used a cofactorless check for
// single signatures could disagree with one that batches them, which would
// split the chain. Because Go's crypto/ed25519 is cofactorless, it is not used
// to verify.
package verify

import (
	"github.com/chainweir/weir/core/tx"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// MaxBatch is how many signatures are checked at once. A larger batch gains
// little, and a bad signature in it costs more to find.
const MaxBatch = 1024

// singleLimit is the batch size below which a failed batch is verified one by
// one instead of being split again.
const singleLimit = 8

// Verifier checks signatures against the senders' registered keys. A Verifier
// is used by one goroutine at a time.
type Verifier interface {
	// Verify looks at each transaction whose status is StatusOK and sets the
	// status of those that fail to StatusUnknownSender or StatusBadSignature.
	// The slices have the same length.
	Verify(txs []tx.View, status []tx.Status)
}

var zip215 = &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}

// Batch verifies many signatures with one multi-scalar multiplication.
type Batch struct {
	chain tx.ChainID
	keys  *Keys
	bv    *ed25519.BatchVerifier
	msg   []byte
	idx   []int
}

var _ Verifier = (*Batch)(nil)

// NewBatch returns a batch verifier for a chain's transactions.
func NewBatch(chain tx.ChainID, keys *Keys) *Batch {
	return &Batch{
		chain: chain,
		keys:  keys,
		bv:    ed25519.NewBatchVerifierWithCapacity(MaxBatch),
		msg:   make([]byte, 0, tx.SigningSize),
		idx:   make([]int, 0, MaxBatch),
	}
}

// Verify implements Verifier.
func (b *Batch) Verify(txs []tx.View, status []tx.Status) {
	b.idx = b.idx[:0]
	for i, t := range txs {
		if status[i] != tx.StatusOK {
			continue
		}
		if b.keys.Key(t.From()) == nil {
			status[i] = tx.StatusUnknownSender
			continue
		}
		b.idx = append(b.idx, i)
	}
	for idx := b.idx; len(idx) > 0; {
		n := min(len(idx), MaxBatch)
		b.verify(txs, status, idx[:n])
		idx = idx[n:]
	}
}

// verify checks the transactions that idx names: all at once and, when that
// fails, in halves, so that k bad signatures among n cost about k·log n batches
// and never spoil the good ones.
func (b *Batch) verify(txs []tx.View, status []tx.Status, idx []int) {
	if len(idx) <= singleLimit {
		for _, i := range idx {
			if !b.single(txs[i]) {
				status[i] = tx.StatusBadSignature
			}
		}
		return
	}
	b.bv.Reset()
	for _, i := range idx {
		t := txs[i]
		b.msg = t.AppendSigning(b.msg[:0], &b.chain)
		if e := b.keys.expandedKey(t.From()); e != nil {
			b.bv.AddExpandedWithOptions(e, b.msg, t.Signature(), zip215)
		} else {
			b.bv.AddWithOptions(b.keys.Key(t.From())[:], b.msg, t.Signature(), zip215)
		}
	}
	if b.bv.VerifyBatchOnly(nil) {
		return
	}
	half := len(idx) / 2
	b.verify(txs, status, idx[:half])
	b.verify(txs, status, idx[half:])
}

// single checks one signature by the same rule as the batch.
func (b *Batch) single(t tx.View) bool {
	b.msg = t.AppendSigning(b.msg[:0], &b.chain)
	if e := b.keys.expandedKey(t.From()); e != nil {
		return ed25519.VerifyExpandedWithOptions(e, b.msg, t.Signature(), zip215)
	}
	return ed25519.VerifyWithOptions(b.keys.Key(t.From())[:], b.msg, t.Signature(), zip215)
}
