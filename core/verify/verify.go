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
)

// MaxBatch is how many signatures are checked at once. A larger batch gains
// little, and a bad signature in it costs more to find.
const MaxBatch = 1024

const (
	// singleLimit is the size below which a range with a bad signature is
	// verified one by one instead of being split again.
	singleLimit = 8
	// SingleCost is what a signature costs alone, in units of one in a batch.
	SingleCost = 3
	// singlyShare: a group is not worth a batch when one in so many is bad.
	singlyShare = 8
)

// Verifier checks signatures against the senders' registered keys. A Verifier
// is used by one goroutine at a time.
type Verifier interface {
	// Verify looks at each transaction whose status is StatusOK and sets the
	// status of those that fail to StatusUnknownSender or StatusBadSignature.
	// The slices have the same length.
	Verify(txs []tx.View, status []tx.Status)
}

// Group is the part of one client in what is verified together.
type Group struct {
	// End is the index after its last transaction; the first group begins at 0,
	// each other where the one before it ends.
	End int
	// BadShare is the share of bad signatures that the client had lately, 0 to 1.
	BadShare float64

	// Bad and Cost are set by VerifyGroups: how many signatures do not verify,
	// and what the group cost in units of one good signature in a batch.
	Bad, Cost int
}

// GroupVerifier is a Verifier that several clients share.
type GroupVerifier interface {
	Verifier
	// VerifyGroups is Verify for the parts of several clients. A bad signature
	// costs the other clients one more batch at most: the search for it stays in
	// its own group.
	VerifyGroups(txs []tx.View, status []tx.Status, groups []Group)
}

// Groups verifies the parts of several clients with any verifier. One that
// knows no groups verifies all as one, and every group's cost is its length.
func Groups(v Verifier, txs []tx.View, status []tx.Status, groups []Group) {
	if g, ok := v.(GroupVerifier); ok {
		g.VerifyGroups(txs, status, groups)
		return
	}
	v.Verify(txs, status)
	lo := 0
	for i := range groups {
		g := &groups[i]
		g.Bad, g.Cost = 0, g.End-lo
		for _, s := range status[lo:g.End] {
			if s == tx.StatusBadSignature {
				g.Bad++
			}
		}
		lo = g.End
	}
}

// Batch verifies many signatures with one kernel.
type Batch struct {
	chain  tx.ChainID
	keys   *Keys
	kernel Kernel
	msg    []byte
	idx    []int  // of the kernel's signatures in txs
	parts  []part // of the kernel's signatures
	bad    Bitmap
	one    [1]Group

	touched uint32 // what Keys.touch returned, so that its reads are not left out
}

// part is what one group has in the kernel: the signatures up to end.
type part struct {
	end   int
	group *Group
}

var _ GroupVerifier = (*Batch)(nil)

// NewBatch returns a verifier for a chain's transactions with the default
// kernel: one multi-scalar multiplication for each batch, with
// curve25519-voi's arithmetic.
func NewBatch(chain tx.ChainID, keys *Keys) *Batch {
	return NewBatchWith(chain, keys, newMultiKernel(keys))
}

// NewBatchWith returns a verifier that uses another kernel.
func NewBatchWith(chain tx.ChainID, keys *Keys, kernel Kernel) *Batch {
	return &Batch{
		chain: chain, keys: keys, kernel: kernel,
		msg: make([]byte, 0, tx.SigningSize+tx.MaxSize-tx.Size),
		idx: make([]int, 0, MaxBatch),
	}
}

// Verify implements Verifier.
func (b *Batch) Verify(txs []tx.View, status []tx.Status) {
	b.one[0] = Group{End: len(txs)}
	b.VerifyGroups(txs, status, b.one[:])
}

// VerifyGroups implements GroupVerifier.
func (b *Batch) VerifyGroups(txs []tx.View, status []tx.Status, groups []Group) {
	b.reset()
	lo := 0
	for g := range groups {
		group := &groups[g]
		group.Bad, group.Cost = 0, 0
		for i := lo; i < group.End; i++ {
			if i%touchAhead == 0 || i == lo {
				b.touched += b.keys.touch(txs[i:], status[i:])
			}
			if status[i] != tx.StatusOK {
				continue
			}
			t := txs[i]
			key := b.keys.Key(t.From())
			if key == nil {
				status[i] = tx.StatusUnknownSender
				continue
			}
			b.msg = t.AppendSigning(b.msg[:0], &b.chain)
			if !b.kernel.Add(t.From(), key, b.msg, t.Signature()) {
				status[i] = tx.StatusBadSignature
				group.Bad++
				group.Cost++
				continue
			}
			b.idx = append(b.idx, i)
			if len(b.idx) == MaxBatch {
				b.parts = append(b.parts, part{MaxBatch, group})
				b.decide(status)
			}
		}
		b.parts = append(b.parts, part{len(b.idx), group})
		lo = group.End
	}
	b.decide(status)
	clear(b.parts[:cap(b.parts)])
}

func (b *Batch) reset() {
	b.kernel.Reset()
	b.idx, b.parts = b.idx[:0], b.parts[:0]
}

// decide checks what the kernel holds: all at once and, when that fails, by
// group.
func (b *Batch) decide(status []tx.Status) {
	defer b.reset()
	n := len(b.idx)
	if n == 0 {
		return
	}
	filled, singly := 0, false
	lo := 0
	for _, p := range b.parts {
		if p.end > lo {
			filled++
			singly = singly || p.group.BadShare*singlyShare > 1
		}
		p.group.Cost += p.end - lo
		lo = p.end
	}
	// A group that is to be verified singly would only make the whole fail.
	known := false
	if !singly {
		switch b.check(0, n, status, nil) {
		case AllGood, Each:
			b.count(status)
			return
		}
		known = filled == 1
	}
	lo = 0
	for _, p := range b.parts {
		switch {
		case p.end == lo:
		case p.group.BadShare*singlyShare > 1:
			p.group.Cost -= p.end - lo
			b.singly(lo, p.end, status, p.group)
		default:
			b.search(lo, p.end, known, status, p.group)
		}
		lo = p.end
	}
	b.count(status)
}

// count adds up the groups' bad signatures.
func (b *Batch) count(status []tx.Status) {
	lo := 0
	for _, p := range b.parts {
		for _, i := range b.idx[lo:p.end] {
			if status[i] == tx.StatusBadSignature {
				p.group.Bad++
			}
		}
		lo = p.end
	}
}

// check asks the kernel and sets statuses if it answers Each.
func (b *Batch) check(lo, hi int, status []tx.Status, g *Group) Verdict {
	if g != nil {
		g.Cost += hi - lo
	}
	clear(b.bad[:])
	v := b.kernel.Check(lo, hi, &b.bad)
	if v == Each {
		for i := lo; i < hi; i++ {
			if b.bad.Has(i) {
				status[b.idx[i]] = tx.StatusBadSignature
			}
		}
	}
	return v
}

// search finds the bad signatures of a range by halves, so that k of them among
// n cost about k·log n batches. known says that there is one.
func (b *Batch) search(lo, hi int, known bool, status []tx.Status, g *Group) {
	if hi-lo <= singleLimit {
		b.singly(lo, hi, status, g)
		return
	}
	if !known && b.check(lo, hi, status, g) != SomeBad {
		return
	}
	mid := lo + (hi-lo)/2
	if mid-lo <= singleLimit {
		b.singly(lo, hi, status, g)
		return
	}
	left := b.check(lo, mid, status, g)
	if left == SomeBad {
		b.search(lo, mid, true, status, g)
	}
	// A good left half leaves the bad one for the right half.
	b.search(mid, hi, left == AllGood, status, g)
}

func (b *Batch) singly(lo, hi int, status []tx.Status, g *Group) {
	for i := lo; i < hi; i++ {
		g.Cost += SingleCost
		clear(b.bad[:])
		if b.kernel.Check(i, i+1, &b.bad) == AllGood {
			continue
		}
		status[b.idx[i]] = tx.StatusBadSignature
	}
}
