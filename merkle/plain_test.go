package merkle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
)

// Records of every length around the kernels' blocks and their batches give the
// leaves' own root.
func TestPlainRecords(t *testing.T) {
	for _, s := range []*Scheme{PlainSHA256, PlainBLAKE3} {
		for _, size := range []int{1, 31, 32, 33, 55, 56, 63, 64, 65, 128, 200, 1024, 1025} {
			for _, n := range []int{1, 2, 63, 64, 65, 130} {
				src := make([]byte, n*size)
				fillBytes(src)
				var leaves [][]byte
				for i := range n {
					leaves = append(leaves, src[i*size:(i+1)*size])
				}
				got, err := Root(context.Background(), s, Records(src, size), 1)
				if err != nil || got != specRoot(s, leaves) {
					t.Errorf("%s, %d records of %d bytes: %x, %v", s.Name(), n, size, got, err)
				}
			}
		}
	}
}

// fillBytes writes bytes that repeat in no power of two.
func fillBytes(b []byte) {
	for i := range b {
		b[i] = byte(i % 251)
	}
}

// Nodes are hashed in place at every batch length.
func TestPlainNodesInPlace(t *testing.T) {
	for _, s := range []*Scheme{PlainSHA256, PlainBLAKE3} {
		for n := range 3*plainBatch + 2 {
			src := make([]byte, n*2*HashSize)
			fillBytes(src)
			var want []byte
			for i := range n {
				h := s.node(Hash(src[i*64:]), Hash(src[i*64+32:]))
				want = append(want, h[:]...)
			}
			dst := make([]byte, n*HashSize)
			if err := s.HashNodes(dst, src); err != nil || !bytes.Equal(dst, want) {
				t.Fatalf("%s, %d pairs: %v", s.Name(), n, err)
			}
			if err := s.HashNodes(src[:n*HashSize], src); err != nil || !bytes.Equal(src[:n*HashSize], want) {
				t.Fatalf("%s, %d pairs in place: %v", s.Name(), n, err)
			}
		}
	}
}

// What the doc comment warns of: a node's two halves are a leaf with its hash,
// so a list half as long has the same root. Only the size tells them apart.
func TestPlainSecondPreimage(t *testing.T) {
	ctx := context.Background()
	leaves := [][]byte{[]byte("pay 1"), []byte("pay 2"), []byte("pay 3"), []byte("pay 4")}
	var forged [][]byte
	for i := 0; i < len(leaves); i += 2 {
		l, r := sha256.Sum256(leaves[i]), sha256.Sum256(leaves[i+1])
		forged = append(forged, append(l[:], r[:]...))
	}
	b := NewBuilder(PlainSHA256, 1)
	honest, err1 := b.Root(leaves)
	p, err2 := b.Proof(ctx, forged, 1)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if p.Root != honest {
		t.Fatalf("the forged list has the root %x, not %x", p.Root, honest)
	}
	if err := p.Verify(honest); err != nil {
		t.Errorf("at the forger's size: %v", err)
	}
	p.Size = uint64(len(leaves))
	if err := p.Verify(honest); !errors.Is(err, ErrPathLength) {
		t.Errorf("at the honest size: %v", err)
	}
}

func TestPlainRecordsAllocateNothing(t *testing.T) {
	for _, s := range []*Scheme{PlainSHA256, PlainBLAKE3} {
		for _, size := range []int{64, 200} {
			src := make([]byte, 300*size)
			b := NewBuilder(s, 1)
			allocs(t, fmt.Sprintf("%s, records of %d bytes", s.Name(), size), func() {
				if _, err := b.RootRecords(src, size); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}
