package tx_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/tx"
)

func drawFields(t *rapid.T) tx.Fields {
	f := tx.Fields{
		Kind:   rapid.SampledFrom([]tx.Kind{tx.KindRegister, tx.KindTransfer}).Draw(t, "kind"),
		From:   rapid.Uint32().Draw(t, "from"),
		Amount: rapid.Uint64().Draw(t, "amount"),
		Nonce:  rapid.Uint64().Draw(t, "nonce"),
		Expiry: rapid.Uint64().Draw(t, "expiry"),
	}
	if f.Kind == tx.KindTransfer {
		f.To = rapid.Uint32().Draw(t, "to")
	} else {
		copy(f.Subject[:], rapid.SliceOfN(rapid.Byte(), tx.KeySize, tx.KeySize).Draw(t, "subject"))
	}
	copy(f.Memo[:], rapid.SliceOfN(rapid.Byte(), tx.MemoSize, tx.MemoSize).Draw(t, "memo"))
	return f
}

// fieldsOf is the inverse of AppendUnsigned.
func fieldsOf(v tx.View) tx.Fields {
	return tx.Fields{
		Kind: v.Kind(), From: v.From(), To: v.To(), Amount: v.Amount(), Nonce: v.Nonce(), Expiry: v.Expiry(),
		Subject: [tx.KeySize]byte(v.Subject()), Memo: [tx.MemoSize]byte(v.Memo()),
	}
}

func TestParseInvertsAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFields(t)
		rest := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "rest")
		enc := append(f.AppendUnsigned(nil), rest...)
		v, left, err := tx.Parse(enc)
		if err != nil {
			t.Fatal(err)
		}
		if got := fieldsOf(v); got != f {
			t.Fatalf("parsed %+v, encoded %+v", got, f)
		}
		if len(v) != tx.Size || cap(v) != tx.Size || !bytes.Equal(left, rest) {
			t.Fatalf("a view of %d (cap %d) and %d bytes left of %d", len(v), cap(v), len(left), len(rest))
		}
	})
}

// checkCanonical holds that what Parse accepts is what AppendUnsigned writes.
func checkCanonical(t testing.TB, b []byte) {
	t.Helper()
	v, rest, err := tx.Parse(b)
	if err != nil {
		if v != nil || len(rest) != len(b) {
			t.Fatalf("an error together with a view of %d bytes", len(v))
		}
		return
	}
	f := fieldsOf(v)
	again := f.AppendUnsigned(nil)
	copy(again[tx.BodySize:], v.Signature())
	if !bytes.Equal(again, b[:tx.Size]) {
		t.Fatalf("a second encoding was accepted:\n%x, canonical is\n%x", b[:tx.Size], again)
	}
	if len(rest) != len(b)-tx.Size {
		t.Fatalf("%d bytes left of %d", len(rest), len(b))
	}
}

// Every single bit of both kinds is flipped: what is still accepted must be the
// canonical encoding of other fields, and reserved bits must be refused.
func TestEveryBit(t *testing.T) {
	reserved := func(i int) bool { return i == 2 || i == 3 || i >= 12 && i < 16 }
	for _, kind := range []tx.Kind{tx.KindTransfer, tx.KindRegister} {
		f := goldenFields()
		f.Kind = kind
		if kind == tx.KindRegister {
			f.To = 0
			f.Subject[5] = 9
		}
		enc := f.AppendUnsigned(nil)
		for bit := range 8 * tx.Size {
			i := bit / 8
			b := bytes.Clone(enc)
			b[i] ^= 1 << (bit % 8)
			checkCanonical(t, b)
			_, _, err := tx.Parse(b)
			var want error
			switch {
			case i == 0:
				want = tx.ErrVersion
			case i == 1 && b[1] != 1 && b[1] != 2:
				want = tx.ErrUnknownKind
			case reserved(i), kind == tx.KindTransfer && i >= 40 && i < 72, kind == tx.KindRegister && i >= 8 && i < 12:
				want = tx.ErrNotCanon
			}
			if i == 1 && want == nil {
				continue // the other kind: its own rules decide
			}
			if !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("kind %d, bit %d of byte %d: %v, want %v", kind, bit%8, i, err, want)
			}
		}
	}
}

func TestEveryKindAndVersionAndLength(t *testing.T) {
	f := goldenFields()
	f.To = 0 // as both kinds have it
	enc := f.AppendUnsigned(nil)
	for k := range 256 {
		b := bytes.Clone(enc)
		b[1] = byte(k)
		_, _, err := tx.Parse(b)
		if known := k == 1 || k == 2; known && err != nil || !known && !errors.Is(err, tx.ErrUnknownKind) {
			t.Errorf("kind %d: %v", k, err)
		}
		b[1], b[0] = byte(tx.KindTransfer), byte(k)
		if _, _, err = tx.Parse(b); k == tx.Version && err != nil || k != tx.Version && !errors.Is(err, tx.ErrVersion) {
			t.Errorf("version %d: %v", k, err)
		}
	}
	for n := range tx.Size {
		if _, _, err := tx.Parse(enc[:n]); !errors.Is(err, tx.ErrTruncated) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	g := goldenFields()
	f.Add(g.AppendUnsigned(nil))
	g.Kind, g.To = tx.KindRegister, 0
	f.Add(append(g.AppendUnsigned(nil), 1, 2, 3))
	f.Add([]byte{1, 2})
	f.Fuzz(func(t *testing.T, b []byte) { checkCanonical(t, b) })
}

func FuzzParseHeader(f *testing.F) {
	h := tx.Header{Height: 7, Count: 2, BodyBytes: 400}
	f.Add(h.Append(nil))
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := tx.ParseHeader(b)
		if err != nil {
			return
		}
		if got := h.Append(nil); !bytes.Equal(got, b[:tx.HeaderSize]) {
			t.Fatalf("a second encoding was accepted:\n%x, canonical is\n%x", b[:tx.HeaderSize], got)
		}
	})
}

func TestAllocations(t *testing.T) {
	f := goldenFields()
	enc := f.AppendUnsigned(nil)
	chain := goldenChain()
	buf := make([]byte, 0, tx.SigningSize)
	var v tx.View
	for name, run := range map[string]func(){
		"Parse":         func() { v, _, _ = tx.Parse(enc) },
		"AppendSigning": func() { buf = v.AppendSigning(buf[:0], &chain) },
	} {
		v, _, _ = tx.Parse(enc)
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
