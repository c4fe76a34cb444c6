package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// allocated returns how many bytes run allocates, those that it frees too.
func allocated(run func()) uint64 {
	run() // what is made once and kept, such as the tables of package json, is no matter
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// kilobyte is text repeated between a head and a tail, 1 KiB of it at most.
func kilobyte(head, text, tail string) []byte {
	n := (1024 - len(head) - len(tail)) / len(text)
	return []byte(head + strings.Repeat(text, n) + tail)
}

// hostileDocuments are at most 1 KiB each and made to cost much: many empty
// strings where each becomes a node or a leaf, deep nesting, numbers that claim
// the largest sizes.
func hostileDocuments() map[string][]byte {
	zero := strings.Repeat("00", HashSize)
	head := `{"scheme":"rfc6962","root":"` + zero + `","size":18446744073709551615,`
	name := string([]byte{logVersion, 7}) + "rfc6962"
	return map[string][]byte{
		"many nodes":       kilobyte(head+`"index":18446744073709551614,"leaf":"","path":[""`, `,""`, `]}`),
		"many indices":     kilobyte(head+`"leaves":[],"path":[],"indices":[0`, `,9`, `]}`),
		"many leaves":      kilobyte(head+`"first":1,"indices":[1],"path":[],"leaves":[""`, `,""`, `]}`),
		"long leaf":        kilobyte(head+`"index":1,"path":[],"leaf":"`, `00`, `"}`),
		"deep":             kilobyte(head+`"x":`, `[`, ``),
		"deep objects":     kilobyte(``, `{"x":`, ``),
		"many keys":        kilobyte(head, `"x":0,`, `"y":0}`),
		"largest limit":    []byte(strings.Replace(head, "rfc6962", "ssz:18446744073709551615", 1) + `"index":0,"leaf":"` + zero + `","path":[]}`),
		"large log":        binary.BigEndian.AppendUint64([]byte(name), 1<<62),
		"largest log":      binary.BigEndian.AppendUint64([]byte(name), math.MaxUint64),
		"full log":         append(binary.BigEndian.AppendUint64([]byte(name), 1<<30-1), make([]byte, 31*HashSize)...),
		"long name":        append([]byte{logVersion, 255}, make([]byte, 1000)...),
		"empty lines":      kilobyte("", "\n", ""),
		"a long line":      kilobyte("", "00", ""),
		"many CR":          kilobyte("", "\r\n", ""),
		"zeros":            make([]byte, 1024),
		"a path":           kilobyte("", "a/", "\x00"+strings.Repeat("d", HashSize)),
		"half a surrogate": kilobyte(head+`"`, `\ud800`, `":0}`),
	}
}

// hostileReaders are all that reads bytes from others, with the most that a
// kilobyte may make them allocate. JSON's strings cost 16 bytes for each two
// quotes, three times over while they are read, and paths 32; error texts quote
// what they refuse. Leaf files begin with a buffer for lines and one of 1 MiB for
// leaves, chunk files with one of 8 MiB and, for chunks of one byte, a list of
// 128 Ki of them.
func hostileReaders() map[string]struct {
	most uint64
	read func(data []byte)
} {
	ctx := context.Background()
	return map[string]struct {
		most uint64
		read func(data []byte)
	}{
		"DecodeProof":      {64 << 10, func(data []byte) { _, _, _ = DecodeProof(data) }},
		"DecodeMultiProof": {64 << 10, func(data []byte) { _, _, _ = DecodeMultiProof(data) }},
		"DecodeRangeProof": {64 << 10, func(data []byte) { _, _, _ = DecodeRangeProof(data) }},
		"DecodeLog":        {8 << 10, func(data []byte) { _, _ = DecodeLog(RFC6962, data, nil) }},
		"ParseFileLeaf":    {32 << 10, func(data []byte) { _, _ = ParseFileLeaf(data) }},
		"ParseHash":        {8 << 10, func(data []byte) { _, _ = ParseHash(string(data), true) }},
		"SchemeByName":     {32 << 10, func(data []byte) { _, _ = SchemeByName("ssz:" + string(data)) }},
		"ReadLeaves": {1200 << 10, func(data []byte) {
			_, _ = ReadLeaves(ctx, bytes.NewReader(data), "f", RFC6962, false)
		}},
		"ReadChunks": {12 << 20, func(data []byte) {
			_, _ = ReadChunks(ctx, bytes.NewReader(data), ChunkFile{Scheme: RFC6962, Size: 1, Workers: 1})
		}},
		"RootReader": {256 << 10, func(data []byte) {
			_, _, _ = RootReader(ctx, RFC6962, bytes.NewReader(data), 1, 1)
		}},
		"RootReader, largest leaves": {256 << 10, func(data []byte) {
			_, _, _ = RootReader(ctx, RFC6962, bytes.NewReader(data), math.MaxInt, 4)
		}},
		"NodeList": {8 << 10, func(data []byte) {
			var l NodeList
			_ = l.StoreNodes(math.MaxUint64/HashSize, data)
			_ = l.StoreNodes(math.MaxUint64, data)
			_, _ = l.ReadNode(61, 1)
		}},
	}
}

// A kilobyte that a stranger sends costs a bounded piece of memory, whatever it
// says, whoever reads it.
func TestHostileInputMemory(t *testing.T) {
	for name, r := range hostileReaders() {
		for what, data := range hostileDocuments() {
			if len(data) > 1024 {
				t.Fatalf("%s has %d bytes", what, len(data))
			}
			if got := allocated(func() { r.read(data) }); got > r.most {
				t.Errorf("%s of %s: %d bytes for %d; the most is %d", name, what, got, len(data), r.most)
			}
		}
	}
}

// Documents of any length cost a multiple of it.
func TestHostileInputGrowth(t *testing.T) {
	const length = 256 << 10
	head := `{"scheme":"rfc6962","root":"` + strings.Repeat("00", HashSize) + `","size":9,`
	for what, data := range map[string]string{
		"nodes":   head + `"indices":[1],"leaves":[""],"path":[""` + strings.Repeat(`,""`, length/3) + `]}`,
		"leaves":  head + `"indices":[1],"path":[],"leaves":[""` + strings.Repeat(`,""`, length/3) + `]}`,
		"indices": head + `"leaves":[],"path":[],"indices":[1` + strings.Repeat(`,1`, length/2) + `]}`,
		"keys":    `{"x":0` + strings.Repeat(`,"y":1`, length/6) + `}`,
		"depth":   `{"x":` + strings.Repeat(`[`, length),
	} {
		got := allocated(func() { _, _, _ = DecodeMultiProof([]byte(data)) })
		if most := 96 * uint64(len(data)); got > most {
			t.Errorf("%s: %d bytes for a document of %d; the most is %d", what, got, len(data), most)
		}
	}
}

// Verifiers take memory for the leaves that they are given. Sizes, indices and
// what a path claims cost nothing.
func TestHostileSizesMemory(t *testing.T) {
	leaf := [][]byte{make([]byte, HashSize)}
	long := make([]Hash, 64)
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		v := NewVerifier(s)
		for _, size := range []uint64{1 << 40, 1 << 62, 1 << 63, math.MaxUint64} {
			for _, path := range [][]Hash{nil, long[:40], long} {
				for _, index := range []uint64{0, 1, size / 2, size - 1, size, math.MaxUint64} {
					got := allocated(func() {
						_ = VerifyInclusion(s, Hash{1}, leaf[0], index, size, path)
						_ = VerifyConsistency(s, index, size, Hash{1}, Hash{2}, path)
						_ = v.Multi(context.Background(), Hash{1}, Leaves(leaf), []uint64{index}, size, path)
						_ = v.Range(context.Background(), Hash{1}, Leaves(leaf), index, size, path)
						_ = VerifyGeneralized(Hash{1}, Hash{}, index, path)
						_ = VerifyBLAKE3Chunk(Hash{1}, leaf[0], index, size, path)
						proof := []Inclusion{{Root: Hash{1}, Leaf: leaf[0], Index: index, Size: size, Path: path}}
						_, _ = v.Inclusions(context.Background(), proof, nil)
					})
					if got > 32<<10 { // a dozen error texts
						t.Fatalf("leaf %d of %d with %d nodes: %d bytes", index, size, len(path), got)
					}
				}
			}
		}
	})
}

// A log's store that claims to be of any size, but has only a few nodes.
func TestHostileStoreMemory(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "nodes"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 1024)); err != nil {
		t.Fatal(err)
	}
	r := newLogReader(t, RFC6962, NodeFile{f})
	for _, size := range []uint64{16, 17, 1 << 40, MaxLogSize - 1, MaxLogSize, math.MaxUint64} {
		got := allocated(func() {
			_, _ = r.RootAt(size)
			_, _ = r.Path(size-1, size)
			_, _ = r.Path(0, size)
			_, _ = r.ConsistencyPath(1, size)
			_, _ = r.ConsistencyPath(size-1, size)
			_, _ = r.Log(size, nil)
		})
		if got > 64<<10 {
			t.Errorf("size %d: %d bytes", size, got)
		}
	}
}
