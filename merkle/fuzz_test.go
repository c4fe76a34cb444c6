package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
)

// What others send is read by DecodeProof, DecodeMultiProof, DecodeRangeProof,
// DecodeLog, ReadLeaves and ParseFileLeaf, whose fuzz targets stand beside their
// tests, and by what follows.

// A name that is taken is the scheme's own.
func FuzzSchemeByName(f *testing.F) {
	for _, s := range proofSchemes() {
		f.Add(s.Name())
	}
	for _, name := range []string{"", "ssz:", "ssz:0", "ssz:00", "ssz:-1", "ssz:18446744073709551616", "SSZ:1"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		s, err := SchemeByName(name)
		if err != nil {
			if !errors.Is(err, ErrScheme) || s != nil {
				t.Fatalf("%q: %v, %v", name, s, err)
			}
			return
		}
		if s.Name() != name {
			t.Fatalf("%q is the name of %q", name, s.Name())
		}
	})
}

// A hash that is read is written the same, but for the case of its digits.
func FuzzParseHash(f *testing.F) {
	f.Add(block100000Root, true)
	f.Add(strings.Repeat("0A", HashSize), false)
	f.Add("", false)
	f.Fuzz(func(t *testing.T, text string, reversed bool) {
		h, err := ParseHash(text, reversed)
		if err == nil && FormatBytes(h[:], reversed) != strings.ToLower(text) {
			t.Fatalf("%q was read as %x", text, h)
		}
		if err != nil && h != (Hash{}) {
			t.Fatalf("%q: %v, and a hash %x", text, err, h)
		}
	})
}

// Streams are cut as the same bytes in memory are, whatever the size of leaves.
func FuzzStreams(f *testing.F) {
	f.Add([]byte("some bytes of a file"), uint16(3), uint8(2))
	f.Add(make([]byte, 64), uint16(32), uint8(1))
	f.Add([]byte{}, uint16(0), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, size uint16, workers uint8) {
		ctx, n := context.Background(), int(size)
		root, count, err := RootReader(ctx, RFC6962, bytes.NewReader(data), n, 1+int(workers%4))
		if n == 0 {
			if !errors.Is(err, ErrLeafSize) {
				t.Fatalf("leaves without a byte: %v", err)
			}
			return
		}
		leaves := slices.Collect(slices.Chunk(data, n))
		want := specRFC6962(leaves)
		if err != nil || root != want || count != uint64(len(leaves)) {
			t.Fatalf("%d bytes in leaves of %d: %x of %d, %v; want %x", len(data), n, root, count, err, want)
		}
		got, err := ReadChunks(ctx, bytes.NewReader(data), ChunkFile{Scheme: RFC6962, Size: n, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		root, err = Root(ctx, RFC6962, Nodes(got.Nodes), 1)
		if err != nil || root != want {
			t.Fatalf("%d bytes in chunks of %d: %x, %v; want %x", len(data), n, root, err, want)
		}
	})
}

// Whatever a proof says, every verifier ends without a panic, with an error of
// its own, and with that of the others that are asked the same.
func FuzzVerifiers(f *testing.F) {
	f.Add(uint64(2), uint64(7), []byte("leaf"), []byte("path of some nodes"), uint8(0))
	f.Add(uint64(1<<63), uint64(1<<64-1), make([]byte, 32), make([]byte, 64*8), uint8(1))
	f.Add(uint64(1), uint64(1), []byte{}, []byte{}, uint8(7))
	f.Fuzz(func(t *testing.T, index, size uint64, leaf, raw []byte, which uint8) {
		s := proofSchemes()[int(which)%len(proofSchemes())]
		path := make([]Hash, min(len(raw)/8, 70))
		for i := range path {
			copy(path[i][:], raw[i*8:i*8+8])
		}
		var root Hash
		if len(raw) > 0 {
			binary.BigEndian.PutUint64(root[:], uint64(raw[0]))
		}
		known := func(what string, err error) { // nil or one of the package's errors
			if err != nil && !slices.ContainsFunc(verifierErrors, func(e error) bool { return errors.Is(err, e) }) {
				t.Fatalf("%s of %d in %d: %v", what, index, size, err)
			}
		}
		single := VerifyInclusion(s, root, leaf, index, size, path)
		known("inclusion", single)
		batch, err := NewVerifier(s).Inclusions(context.Background(), []Inclusion{{Root: root, Leaf: leaf, Index: index, Size: size, Path: path}}, nil)
		if (len(batch) == 1) != (single != nil) || (err != nil) != (single != nil) {
			t.Fatalf("single: %v; batch: %v, %v", single, batch, err)
		}
		grown := VerifyConsistency(s, index, size, root, root, path)
		known("consistency", grown)
		if grown == nil && index != size { // it would take a collision
			t.Fatalf("%d and %d leaves have the root %x", index, size, root)
		}
		known("BLAKE3", VerifyBLAKE3Chunk(root, leaf, index, size, path))
		known("generalized", VerifyGeneralized(root, root, index, path))
	})
}
