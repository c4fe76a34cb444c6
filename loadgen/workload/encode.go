package workload

import (
	"crypto/ed25519"
	"encoding/binary"
	"math"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/chainweir/weir/core/tx"
)

// encoder writes and signs operations. Each worker has one.
type encoder struct {
	seed   uint64
	stream uint64 // of the free bytes
	chain  tx.ChainID
	keys   []ed25519.PrivateKey
	first  uint32 // slot of the first key

	fields  tx.Fields
	tail    [tx.MaxTail]byte
	signing [tx.MaxSize + 64]byte
}

// put appends the signed transaction to dst, which has room for it.
func (e *encoder) put(dst []byte, o *op) []byte {
	g := generator{seed: e.seed}
	bytes := g.rng(e.stream, o.index)
	f := &e.fields
	*f = tx.Fields{Kind: o.kind, From: e.first + o.from, Amount: o.amount, Nonce: o.nonce, Expiry: math.MaxUint64}
	switch o.kind {
	case tx.KindTransfer, tx.KindMint, tx.KindTransferItem:
		f.To = e.first + o.to
	}
	switch o.kind {
	case tx.KindPut, tx.KindMint, tx.KindCreateCollection:
		// Distinct numbers give distinct subjects, whatever follows them.
		s := g.rng(streamSubject, o.subject)
		fill(f.Subject[:], &s)
		binary.LittleEndian.PutUint64(f.Subject[:], o.subject)
		f.Tail = e.tail[:o.tail]
		fill(f.Tail, &bytes)
	}
	fill(f.Memo[:], &bytes)
	at := len(dst)
	dst = f.AppendUnsigned(dst)
	v := tx.View(dst[at:])
	// curve25519-voi signs twice as fast as crypto/ed25519 and gives the same
	// bytes: RFC 8032 leaves no choice.
	sig := voi.Sign(voi.PrivateKey(e.keys[o.from]), v.AppendSigning(e.signing[:0], &e.chain))
	copy(v.Signature(), sig)
	return dst
}

// fill writes random bytes: what does not compress, as hashes and media do not.
func fill(b []byte, r *rng) {
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, r.next())
		b = b[8:]
	}
	if len(b) > 0 {
		var last [8]byte
		binary.LittleEndian.PutUint64(last[:], r.next())
		copy(b, last[:])
	}
}
