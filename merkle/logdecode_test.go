package merkle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func encodeLog(t testing.TB, l *Log) []byte {
	t.Helper()
	data, err := l.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// At every size the encoding comes back, and the log goes on from it.
func TestDecodeLogEverySize(t *testing.T) {
	leaves := someLeaves(RFC6962, 300)
	l := newLog(t, RFC6962, nil)
	for n, leaf := range leaves {
		data := encodeLog(t, l)
		back, err := DecodeLog(RFC6962, data, nil)
		if err != nil || back.Size() != uint64(n) || back.Root() != l.Root() {
			t.Fatalf("%d leaves: %v", n, err)
		}
		if again := encodeLog(t, back); !bytes.Equal(again, data) {
			t.Fatalf("%d leaves: %x became %x", n, data, again)
		}
		mustAppend(t, back, leaves[n:min(n+10, len(leaves))])
		if want := specRFC6962(leaves[:min(n+10, len(leaves))]); back.Root() != want {
			t.Fatalf("ten leaves on from %d: %x; want %x", n, back.Root(), want)
		}
		if err := l.AppendLeaf(leaf); err != nil {
			t.Fatal(err)
		}
	}
}

// Every single bit counts, and so does every byte's presence.
func TestDecodeLogChanges(t *testing.T) {
	l := newLog(t, RFC6962, nil)
	mustAppend(t, l, someLeaves(RFC6962, 11))
	data := encodeLog(t, l)
	for bit := range len(data) * 8 {
		changed := bytes.Clone(data)
		changed[bit/8] ^= 1 << (bit % 8)
		if _, err := DecodeLog(RFC6962, changed, nil); !errors.Is(err, ErrLogFormat) {
			t.Errorf("bit %d changed: %v", bit, err)
		}
	}
	for n := range data {
		if _, err := DecodeLog(RFC6962, data[:n], nil); !errors.Is(err, ErrLogFormat) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
	if _, err := DecodeLog(RFC6962, append(bytes.Clone(data), 0), nil); !errors.Is(err, ErrLogFormat) {
		t.Errorf("one byte more: %v", err)
	}
	other := &Scheme{name: "rfc6962x", node: rfc6962Node, nodes: RFC6962.nodes}
	if _, err := DecodeLog(other, data, nil); !errors.Is(err, ErrLogFormat) {
		t.Errorf("of another scheme: %v", err)
	}
	huge := append([]byte{logVersion, 7}, "rfc6962"...)
	huge = binary.BigEndian.AppendUint64(huge, MaxLogSize+1)
	if _, err := DecodeLog(RFC6962, huge, nil); !errors.Is(err, ErrLogSize) || !errors.Is(err, ErrLogFormat) {
		t.Errorf("too large: %v", err)
	}
}

// What is accepted is canonical and can be used.
func FuzzDecodeLog(f *testing.F) {
	for _, n := range []int{0, 1, 2, 7, 64, 300} {
		l := newLog(f, RFC6962, nil)
		mustAppend(f, l, someLeaves(RFC6962, n))
		f.Add(encodeLog(f, l))
	}
	f.Add(append(append([]byte{1, 7}, "rfc6962"...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := DecodeLog(RFC6962, data, nil)
		if err != nil {
			if !errors.Is(err, ErrLogFormat) {
				t.Fatalf("not ErrLogFormat: %v", err)
			}
			return
		}
		if again := encodeLog(t, l); !bytes.Equal(again, data) {
			t.Fatalf("%x was read as %x", data, again)
		}
		if err := l.AppendLeaf(data); (err != nil) != (l.Size() == MaxLogSize) {
			t.Fatalf("append: %v", err)
		}
	})
}
