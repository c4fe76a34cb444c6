package core_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
)

// groupOrder is L of RFC 8032 section 5.1.
var groupOrder, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// addOrder returns the scalar s + n·L in 32 bytes, ok is false if it has more.
func addOrder(s []byte, n int64) (out []byte, ok bool) {
	be := slices.Clone(s)
	slices.Reverse(be)
	v := new(big.Int).SetBytes(be)
	v.Add(v, new(big.Int).Mul(groupOrder, big.NewInt(n)))
	if v.BitLen() > 256 {
		return nil, false
	}
	out = v.FillBytes(make([]byte, 32))
	slices.Reverse(out)
	return out, true
}

// malleations are other signatures for a signed transaction that a third party
// can make from it. None may verify.
func malleations(t *testing.T, v tx.View, w *wallet, other tx.View) map[string]tx.View {
	t.Helper()
	out := map[string]tx.View{}
	with := func(name string, change func(sig []byte)) {
		c := slices.Clone(v)
		change(c.Signature())
		out[name] = c
	}
	for n := range int64(16) { // every s + n·L that 32 bytes can hold
		if s, ok := addOrder(v.Signature()[32:], n+1); ok {
			with(fmt.Sprintf("s + %d L", n+1), func(sig []byte) { copy(sig[32:], s) })
		}
	}
	if len(out) < 14 {
		t.Fatalf("only %d malleations of s", len(out))
	}
	for bit := 253; bit < 256; bit++ {
		with(fmt.Sprintf("bit %d of s", bit), func(sig []byte) { sig[32+bit/8] ^= 1 << (bit % 8) })
	}
	with("the sign of R", func(sig []byte) { sig[31] ^= 0x80 })
	with("R = A", func(sig []byte) { copy(sig, w.keys[v.From()].Public().(ed25519.PublicKey)) })
	with("R = identity", func(sig []byte) { copy(sig, identity) })
	with("R = identity, s = 0", func(sig []byte) { copy(sig, identity); clear(sig[32:]) })
	with("R is not on the curve", func(sig []byte) { clear(sig[:32]); sig[0] = 2 })
	with("zero", func(sig []byte) { clear(sig) })
	with("ones", func(sig []byte) { copy(sig, bytes.Repeat([]byte{0xff}, 64)) })
	with("of another transaction", func(sig []byte) { copy(sig, other.Signature()) })
	foreign := slices.Clone(v)
	chain := w.chain
	chain[0] ^= 1
	foreign.Sign(&chain, w.keys[v.From()])
	out["for another chain"] = foreign
	stolen := slices.Clone(v)
	stolen.Sign(&w.chain, w.keys[(int(v.From())+1)%len(w.keys)])
	out["by another account"] = stolen
	return out
}

// identity is the encoding of the neutral element, y = 1.
var identity = append([]byte{1}, make([]byte, 31)...)

// Nobody can make another valid signature out of one that he has seen, and
// trying does not use the victim's number up. The verdict is the same for a
// transaction alone and among good ones.
func TestSignaturesCannotBeChanged(t *testing.T) {
	gen := genesis.Dev(64)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{})
	good, r := dial(t, addr, client.Options{})
	evil, er := dial(t, addr, client.Options{})
	w := newWallet(gen)
	victim := w.transfer(5, 6, 7)
	forgeries := malleations(t, victim, w, w.transfer(5, 7, 7))
	seq := uint64(0)
	for name, v := range forgeries {
		submit(t, evil, er, seq, v)
		if s, _ := er.outcome(seq); s != tx.StatusBadSignature {
			t.Errorf("%s, alone: %s", name, s)
		}
		seq++
		crowd := w.round(64, 1)
		at := int(seq) % len(crowd)
		crowd[at] = v // in place of a good one
		submit(t, evil, er, seq, crowd...)
		for i := range crowd {
			s, _ := er.outcome(seq + uint64(i))
			if want := map[bool]tx.Status{true: tx.StatusBadSignature, false: tx.StatusOK}[i == at]; s != want {
				t.Errorf("%s, among good ones: transaction %d of %d, the bad one is %d: %s", name, i, len(crowd), at, s)
			}
		}
		seq += uint64(len(crowd))
	}
	submit(t, good, r, 0, victim)
	if s, _ := r.outcome(0); s != tx.StatusOK {
		t.Errorf("the transaction whose signature was played with is %s", s)
	}
	for name, v := range forgeries { // and after it
		submit(t, evil, er, seq, v)
		if s, _ := er.outcome(seq); s != tx.StatusNonceUsed && s != tx.StatusBadSignature {
			t.Errorf("%s, after the original: %s", name, s)
		}
		seq++
	}
}

// smallOrderKeys are encodings of points of order 1, 2, 4 and 8, among them
// ones that are not canonical.
var smallOrderKeys = map[string]genesis.Key{
	"order 1":                {1},
	"order 1, not canonical": edge(0xee),
	"order 2":                edge(0xec),
	"order 4":                {},
	"order 4, not canonical": edge(0xed),
	"order 4, negative":      {31: 0x80},
	"order 1, negative zero": {0: 1, 31: 0x80},
	"order 8":                genesis.Key(orderEight),
}

var orderEight = []byte{
	0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
	0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
}

// edge is a number just below or above p = 2^255 - 19, by its lowest byte.
func edge(lowest byte) (k genesis.Key) {
	for i := range k {
		k[i] = 0xff
	}
	k[0], k[31] = lowest, 0x7f
	return k
}

// Keys of small order verify anything (that is ZIP-215's rule, and what the
// chain's founder wrote into its genesis), alone and in a batch alike, for every
// encoding of R. What must hold: only accounts with such keys are open to
// everyone, and each number is good for one transaction, whatever signature it
// comes with.
func TestSmallOrderKeys(t *testing.T) {
	gen := genesis.Dev(64)
	names := []string{}
	for name, key := range smallOrderKeys {
		names = append(names, name)
		gen.Accounts = append(gen.Accounts, genesis.Account{PublicKey: key, Balance: 1000})
	}
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	w := newWallet(gen)
	first := gen.FirstDerivedSlot()
	seq := uint64(0)
	for slot, name := range names {
		nonce := uint64(0)
		for _, encoding := range smallOrderKeys { // of R
			for _, crowded := range []bool{false, true} {
				nonce++
				f := tx.Fields{Kind: tx.KindTransfer, From: uint32(slot), To: first, Amount: 1, Nonce: nonce, Expiry: never}
				v := tx.View(f.AppendUnsigned(nil))
				copy(v.Signature(), encoding[:])
				txs := []tx.View{v}
				if crowded {
					txs = append(txs, derivedRound(gen, w)...)
				}
				submit(t, c, r, seq, txs...)
				for i := range txs {
					if s, _ := r.outcome(seq + uint64(i)); s != tx.StatusOK {
						t.Fatalf("key of %s, R %x, transaction %d of %d: %s", name, encoding, i, len(txs), s)
					}
				}
				seq += uint64(len(txs))
				again := slices.Clone(v) // the same one with another valid signature
				copy(again.Signature(), orderEight)
				binary.LittleEndian.PutUint64(again.Signature()[32:], 0)
				submit(t, c, r, seq, again)
				if s, _ := r.outcome(seq); s != tx.StatusNonceUsed {
					t.Errorf("key of %s: a second transaction with the number %d: %s", name, nonce, s)
				}
				seq++
			}
		}
	}
	// A proper key does not accept what those do.
	f := tx.Fields{Kind: tx.KindTransfer, From: first + 9, To: 0, Amount: 1, Nonce: 1 << 10, Expiry: never}
	v := tx.View(f.AppendUnsigned(nil))
	copy(v.Signature(), identity)
	submit(t, c, r, seq, v)
	if s, _ := r.outcome(seq); s != tx.StatusBadSignature {
		t.Errorf("a signature of small order for a proper key: %s", s)
	}
}

// derivedRound makes one transfer from each derived account of a chain that has
// others before them.
func derivedRound(gen *genesis.Genesis, w *wallet) []tx.View {
	txs := make([]tx.View, len(w.keys))
	for i := range txs {
		w.nonces[i]++
		f := tx.Fields{Kind: tx.KindTransfer, From: gen.FirstDerivedSlot() + uint32(i), To: gen.FirstDerivedSlot(), Amount: 1, Nonce: w.nonces[i], Expiry: never}
		txs[i] = f.AppendUnsigned(nil)
		txs[i].Sign(&w.chain, w.keys[i])
	}
	return txs
}
