package tx_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/tx"
)

// drawFields draws a transaction that its kind allows.
func drawFields(t *rapid.T) tx.Fields {
	return drawKind(t, tx.Kind(rapid.IntRange(1, tx.NumKinds-1).Draw(t, "kind")))
}

func drawKind(t *rapid.T, kind tx.Kind) tx.Fields {
	f := tx.Fields{
		Kind:   kind,
		From:   rapid.Uint32().Draw(t, "from"),
		Nonce:  rapid.Uint64().Draw(t, "nonce"),
		Expiry: rapid.Uint64().Draw(t, "expiry"),
	}
	copy(f.Memo[:], rapid.SliceOfN(rapid.Byte(), tx.MemoSize, tx.MemoSize).Draw(t, "memo"))
	subject := func() {
		copy(f.Subject[:], rapid.SliceOfN(rapid.Byte(), tx.KeySize, tx.KeySize).Draw(t, "subject"))
	}
	to := func() { f.To = rapid.Uint32().Draw(t, "to") }
	amount := func() { f.Amount = rapid.Uint64().Draw(t, "amount") }
	slot := func() { f.Amount = uint64(rapid.Uint32().Draw(t, "slot")) }
	tail := func() { f.Tail = rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "tail") }
	switch f.Kind {
	case tx.KindRegister:
		amount()
		subject()
	case tx.KindTransfer:
		to()
		amount()
	case tx.KindMultiTransfer:
		var outs []tx.Output
		for range rapid.IntRange(1, tx.MaxOutputs).Draw(t, "outputs") {
			o := tx.Output{To: rapid.Uint32().Draw(t, "to"), Amount: rapid.Uint64Range(0, 1<<50).Draw(t, "amount")}
			f.Amount += o.Amount
			outs = append(outs, o)
		}
		f.Tail = tx.AppendOutputs(nil, outs)
	case tx.KindCreateCollection:
		amount()
		subject()
		tail()
	case tx.KindMint:
		to()
		slot()
		subject()
		tail()
	case tx.KindTransferItem:
		to()
		slot()
	case tx.KindBurn:
		slot()
	case tx.KindPut:
		subject()
		tail()
	case tx.KindSetRole:
		to()
		m := tx.Membership{Role: tx.Role(rapid.IntRange(0, 3).Draw(t, "role")), Validator: rapid.Bool().Draw(t, "validator")}
		f.Amount = m.Amount()
	}
	return f
}

// fieldsOf is the inverse of AppendUnsigned.
func fieldsOf(v tx.View) tx.Fields {
	return tx.Fields{
		Kind: v.Kind(), From: v.From(), To: v.To(), Amount: v.Amount(), Nonce: v.Nonce(), Expiry: v.Expiry(),
		Subject: [tx.KeySize]byte(v.Subject()), Memo: [tx.MemoSize]byte(v.Memo()), Tail: v.Tail(),
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
		if got := fieldsOf(v); !reflect.DeepEqual(got, f) {
			t.Fatalf("parsed %+v, encoded %+v", got, f)
		}
		want := tx.Size
		if f.Kind.HasTail() {
			want += 4 + len(f.Tail)
		}
		if n, err := tx.Length(enc); n != want || err != nil {
			t.Fatalf("length %d, %v; want %d", n, err, want)
		}
		if len(v) != want || cap(v) != want || !bytes.Equal(left, rest) {
			t.Fatalf("a view of %d (cap %d) and %d bytes left of %d", len(v), cap(v), len(left), len(rest))
		}
	})
}

// fataler is what tests and property tests have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkCanonical holds that what Parse accepts is what AppendUnsigned writes.
func checkCanonical(t fataler, b []byte) {
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
	copy(again[tx.BodySize:tx.Size], v.Signature())
	if !bytes.Equal(again, b[:len(v)]) {
		t.Fatalf("a second encoding was accepted:\n%x, canonical is\n%x", b[:len(v)], again)
	}
	if len(rest) != len(b)-len(v) {
		t.Fatalf("%d bytes left of %d", len(rest), len(b))
	}
}

// Every single bit of every kind is flipped: what is still accepted must be the
// canonical encoding of other fields.
func TestEveryBitOfEveryKind(t *testing.T) {
	for kind := tx.Kind(1); kind.Known(); kind++ {
		rapid.Check(t, func(t *rapid.T) {
			f := drawKind(t, kind)
			enc := f.AppendUnsigned(nil)
			for bit := range 8 * min(len(enc), 600) {
				b := bytes.Clone(enc)
				b[bit/8] ^= 1 << (bit % 8)
				checkCanonical(t, b)
			}
		})
	}
}

// What a kind does not use must be zero, and what it uses must make sense.
func TestKindRules(t *testing.T) {
	outs := func(o ...tx.Output) []byte { return tx.AppendOutputs(nil, o) }
	key := [tx.KeySize]byte{7}
	for name, f := range map[string]tx.Fields{
		"transfer with a subject":          {Kind: tx.KindTransfer, Subject: key},
		"transfer with a tail":             {Kind: tx.KindTransfer, Tail: []byte{}},
		"registration with a recipient":    {Kind: tx.KindRegister, To: 1},
		"registration with a tail":         {Kind: tx.KindRegister, Tail: []byte("x")},
		"multi-transfer without a tail":    {Kind: tx.KindMultiTransfer},
		"multi-transfer with a recipient":  {Kind: tx.KindMultiTransfer, To: 1, Tail: outs(tx.Output{})},
		"multi-transfer with a wrong sum":  {Kind: tx.KindMultiTransfer, Amount: 3, Tail: outs(tx.Output{To: 1, Amount: 2})},
		"multi-transfer that overflows":    {Kind: tx.KindMultiTransfer, Amount: 1, Tail: outs(tx.Output{Amount: 1<<64 - 1}, tx.Output{Amount: 2})},
		"multi-transfer with a cut output": {Kind: tx.KindMultiTransfer, Tail: outs(tx.Output{})[:11]},
		"multi-transfer to too many":       {Kind: tx.KindMultiTransfer, Tail: make([]byte, tx.OutputSize*(tx.MaxOutputs+1))},
		"collection with a recipient":      {Kind: tx.KindCreateCollection, To: 1},
		"mint into no slot":                {Kind: tx.KindMint, Amount: 1 << 32},
		"item transfer of no slot":         {Kind: tx.KindTransferItem, Amount: 1 << 32},
		"item transfer with a tail":        {Kind: tx.KindTransferItem, Tail: []byte{}},
		"item transfer with a subject":     {Kind: tx.KindTransferItem, Subject: key},
		"burn with a recipient":            {Kind: tx.KindBurn, To: 1},
		"burn of no slot":                  {Kind: tx.KindBurn, Amount: 1 << 32},
		"put with an amount":               {Kind: tx.KindPut, Amount: 1},
		"put with a recipient":             {Kind: tx.KindPut, To: 1},
		"put of too much":                  {Kind: tx.KindPut, Tail: make([]byte, tx.MaxTail+1)},
		"no such role":                     {Kind: tx.KindSetRole, Amount: 4},
		"no such membership":               {Kind: tx.KindSetRole, Amount: 1 << 9},
		"role with a subject":              {Kind: tx.KindSetRole, Subject: key},
	} {
		if _, _, err := tx.Parse(f.AppendUnsigned(nil)); !errors.Is(err, tx.ErrNotCanon) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := tx.Fields{Kind: tx.KindPut, Tail: make([]byte, tx.MaxTail)}
	enc := f.AppendUnsigned(nil)
	if v, _, err := tx.Parse(enc); err != nil || len(v) != tx.MaxSize {
		t.Errorf("the largest transaction: %d bytes, %v", len(v), err)
	}
	enc[2] = 0 // says that it has no tail
	if _, _, err := tx.Parse(enc); !errors.Is(err, tx.ErrNotCanon) {
		t.Errorf("a put without its tail: %v", err)
	}
	none := tx.Fields{Kind: tx.KindPut}
	if v, rest, err := tx.Parse(append(none.AppendUnsigned(nil), 9)); err != nil || len(v.Tail()) != 0 || len(rest) != 1 {
		t.Errorf("an empty put: tail %x, rest %x, %v", v.Tail(), rest, err)
	}
}

// The tail is signed, byte for byte.
func TestTailIsSigned(t *testing.T) {
	f := tx.Fields{Kind: tx.KindPut, Tail: []byte("value")}
	v := tx.View(f.AppendUnsigned(nil))
	chain := goldenChain()
	before := v.ID(&chain)
	if b := v.AppendSigning(nil, &chain); len(b) != tx.SigningSize+4+5 || !bytes.HasSuffix(b, []byte("\x05\x00\x00\x00value")) {
		t.Fatalf("signing bytes end with %x", b[tx.SigningSize:])
	}
	v[len(v)-1] ^= 1
	if v.ID(&chain) == before {
		t.Error("another tail has the same id")
	}
}

func TestMembership(t *testing.T) {
	for amount := range uint64(1 << 17) {
		m, ok := tx.ParseMembership(amount)
		if want := amount <= 3 || amount >= 256 && amount <= 259; ok != want || ok && m.Amount() != amount {
			t.Fatalf("%#x: %+v, %v", amount, m, ok)
		}
	}
	for r := range tx.Role(5) {
		back, ok := tx.ParseRole(r.String())
		if known := r < 4; ok != known || known && back != r {
			t.Errorf("role %d is %q, which gives %d, %v", r, r.String(), back, ok)
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
		if known := k > 0 && k < tx.NumKinds; known != tx.Kind(k).Known() || !known && !errors.Is(err, tx.ErrUnknownKind) {
			t.Errorf("kind %d: %v", k, err)
		}
		b[1], b[0] = byte(tx.KindTransfer), byte(k)
		if _, _, err = tx.Parse(b); k == tx.Version && err != nil || k != tx.Version && !errors.Is(err, tx.ErrVersion) {
			t.Errorf("version %d: %v", k, err)
		}
	}
	p := tx.Fields{Kind: tx.KindPut, Tail: []byte("value")}
	put := p.AppendUnsigned(nil)
	for n := range len(put) {
		if _, _, err := tx.Parse(put[:n]); !errors.Is(err, tx.ErrTruncated) {
			t.Errorf("%d bytes of a put: %v", n, err)
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
	m := tx.Fields{Kind: tx.KindMultiTransfer, Amount: 5, Tail: tx.AppendOutputs(nil, []tx.Output{{To: 1, Amount: 5}})}
	f.Add(m.AppendUnsigned(nil))
	put := tx.Fields{Kind: tx.KindPut, Tail: []byte("value")}
	f.Add(put.AppendUnsigned(nil))
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
