package hash_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/hash/hashtest"
)

// overBLAKE3 runs a test with each implementation of kernel "blake3" in force
// that runs here. The other modes and the streams follow that choice. The test
// is told to thin out its work for the specification under the race detector,
// which makes plain Go twenty times as slow and has nothing to find there.
func overBLAKE3(t *testing.T, test func(t *testing.T, thin bool)) {
	for _, im := range hash.Implementations() {
		if im.Kernel == "blake3" && im.Unavailable == "" {
			t.Run(im.Name, func(t *testing.T) {
				force(t, "blake3", im.Name)
				test(t, raceDetector && im.Name == "generic")
			})
		}
	}
}

// A blake3Case is one mode in this package and in zeebo's, which is the
// reference: it shares no code with the implementations here.
type blake3Case struct {
	name string
	sum  func(msg []byte) [hash.Size]byte // nil where the package has none
	xof  func(dst, msg []byte)            // nil where the package has none
	new  func() *hash.BLAKE3Hasher
	ref  func() *blake3.Hasher
}

var blake3TestKey = [hash.Size]byte([]byte("whats the Elvish word for friend"))

const blake3TestContext = "BLAKE3 2019-12-27 16:29:52 test vectors context"

func blake3Cases() []blake3Case {
	key := &blake3TestKey
	return []blake3Case{
		{
			name: "hash", sum: hash.BLAKE3, xof: hash.BLAKE3XOF, new: hash.NewBLAKE3, ref: blake3.New,
		},
		{
			name: "keyed",
			sum:  func(msg []byte) [hash.Size]byte { return hash.BLAKE3Keyed(key, msg) },
			new:  func() *hash.BLAKE3Hasher { return hash.NewBLAKE3Keyed(key) },
			ref: func() *blake3.Hasher {
				h, err := blake3.NewKeyed(key[:])
				if err != nil {
					panic(err)
				}
				return h
			},
		},
		{
			name: "derive",
			xof:  func(dst, msg []byte) { hash.BLAKE3DeriveKey(dst, blake3TestContext, msg) },
			new:  func() *hash.BLAKE3Hasher { return hash.NewBLAKE3DeriveKey(blake3TestContext) },
			ref:  func() *blake3.Hasher { return blake3.NewDeriveKey(blake3TestContext) },
		},
	}
}

// reference is the output of zeebo for msg.
func (c blake3Case) reference(msg []byte, n int) []byte {
	h := c.ref()
	h.Write(msg)
	out := make([]byte, n)
	h.Digest().Read(out)
	return out
}

// check hashes msg in every way that the mode offers and compares with want,
// an output of 32 bytes or more.
func (c blake3Case) check(msg, want []byte) error {
	if c.sum != nil {
		if got := c.sum(msg); !bytes.Equal(got[:], want[:hash.Size]) {
			return fmt.Errorf("digest %x, want %x", got, want[:hash.Size])
		}
	}
	got := make([]byte, len(want))
	if c.xof != nil {
		c.xof(got, msg)
		if !bytes.Equal(got, want) {
			return fmt.Errorf("output %x, want %x", got, want)
		}
	}
	h := c.new()
	h.Write(msg)
	if got := h.Sum(nil); !bytes.Equal(got, want[:hash.Size]) {
		return fmt.Errorf("digest of the stream %x, want %x", got, want[:hash.Size])
	}
	clear(got)
	if _, err := io.ReadFull(h, got); err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("output of the stream %x (%w), want %x", got, err, want)
	}
	return nil
}

func TestBLAKE3OfficialVectors(t *testing.T) {
	dir := os.Getenv(hashtest.VectorsName)
	if dir == "" {
		t.Skipf("%s is not set: the folder with the official vectors is not known", hashtest.VectorsName)
	}
	var file struct {
		Key     string `json:"key"`
		Context string `json:"context_string"`
		Cases   []struct {
			InputLen int    `json:"input_len"`
			Hash     string `json:"hash"`
			Keyed    string `json:"keyed_hash"`
			Derive   string `json:"derive_key"`
		} `json:"cases"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "blake3", "test_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if file.Key != string(blake3TestKey[:]) || file.Context != blake3TestContext || len(file.Cases) != 35 {
		t.Fatalf("key %q, context %q and %d cases: not the official file", file.Key, file.Context, len(file.Cases))
	}
	overBLAKE3(t, func(t *testing.T, _ bool) {
		for _, v := range file.Cases {
			msg := make([]byte, v.InputLen)
			for i := range msg {
				msg[i] = byte(i % 251)
			}
			want := map[string]string{"hash": v.Hash, "keyed": v.Keyed, "derive": v.Derive}
			for _, c := range blake3Cases() {
				out, err := hex.DecodeString(want[c.name])
				if err != nil || len(out) != 131 {
					t.Fatalf("%d bytes, %s: vector of %d bytes (%v)", v.InputLen, c.name, len(out), err)
				}
				if err := c.check(msg, out); err != nil {
					t.Errorf("%d bytes, %s: %v", v.InputLen, c.name, err)
				}
			}
		}
	})
}

// blake3Lengths are all lengths up to four chunks and a block, and those
// around powers of two and other counts where a tree, a batch or a buffer
// changes its shape.
func blake3Lengths() []int {
	var list []int
	for n := range 4*1024 + 71 {
		list = append(list, n)
	}
	for _, chunks := range []int{5, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 129, 160, 161, 255, 256, 257, 384, 511, 512, 513, 767, 1024, 1025, 2048} {
		for _, d := range []int{-1023, -64, -1, 0, 1, 65} {
			list = append(list, chunks*1024+d)
		}
	}
	return list
}

func TestBLAKE3Lengths(t *testing.T) {
	all := blake3Random(1, 2049*1024)
	lengths := blake3Lengths()
	want := make(map[string][][]byte)
	for _, c := range blake3Cases() {
		for _, n := range lengths {
			want[c.name] = append(want[c.name], c.reference(all[:n], 65))
		}
	}
	overBLAKE3(t, func(t *testing.T, thin bool) {
		for _, c := range blake3Cases() {
			for i, n := range lengths {
				if thin && (i%13 != 0 || n > 300_000) {
					continue
				}
				if n > 70_000 && c.name != "hash" && n%1024 != 1 {
					continue // the modes share the tree: a part of the long ones is enough
				}
				if err := c.check(all[:n], want[c.name][i]); err != nil {
					t.Fatalf("%s, %d bytes: %v", c.name, n, err)
				}
			}
		}
	})
}

// TestBLAKE3OutputLengths asks for outputs of all lengths up to some blocks
// more than any kernel has lanes, from messages of one block to a tree.
func TestBLAKE3OutputLengths(t *testing.T) {
	all := blake3Random(2, 5000)
	overBLAKE3(t, func(t *testing.T, thin bool) {
		for _, c := range blake3Cases() {
			if c.xof == nil {
				continue
			}
			for _, size := range []int{0, 1, 64, 65, 1024, 1025, 5000} {
				want := c.reference(all[:size], 40*64)
				for n := range want {
					if thin && n%13 != 0 {
						continue
					}
					got := bytes.Repeat([]byte{0xa5}, n+8)
					c.xof(got[:n], all[:size])
					if !bytes.Equal(got[:n], want[:n]) {
						t.Fatalf("%s of %d bytes: output of %d bytes is wrong", c.name, size, n)
					}
					if !bytes.Equal(got[n:], bytes.Repeat([]byte{0xa5}, 8)) {
						t.Fatalf("%s of %d bytes: wrote behind an output of %d bytes", c.name, size, n)
					}
				}
			}
		}
	})
}

// TestBLAKE3Contexts derives keys in contexts of all lengths around the ones
// at which a context leaves its buffer.
func TestBLAKE3Contexts(t *testing.T) {
	text := string(bytes.Repeat([]byte("context "), 300))
	overBLAKE3(t, func(t *testing.T, _ bool) {
		for _, n := range []int{0, 1, 31, 32, 33, 63, 64, 65, 255, 256, 257, 1023, 1024, 1025, 2048, 2049, 2400} {
			var got, want [40]byte
			blake3.DeriveKey(text[:n], []byte("material"), want[:])
			hash.BLAKE3DeriveKey(got[:], text[:n], []byte("material"))
			if got != want {
				t.Errorf("context of %d bytes: %x, want %x", n, got, want)
			}
			h := hash.NewBLAKE3DeriveKey(text[:n])
			io.WriteString(h, "material")
			if _, err := h.Read(got[:]); err != nil || got != want {
				t.Errorf("stream, context of %d bytes: %x (%v), want %x", n, got, err, want)
			}
		}
	})
}

// TestBLAKE3Nodes puts messages together as the comment on the node functions
// says.
func TestBLAKE3Nodes(t *testing.T) {
	all := blake3Random(3, 70*1024)
	for _, im := range hash.Implementations() {
		if im.Kernel != "blake3_chunks" || im.Unavailable != "" {
			continue
		}
		t.Run(im.Name, func(t *testing.T) {
			force(t, "blake3_chunks", im.Name)
			for _, n := range []int{1025, 2047, 2048, 2049, 3072, 3073, 4096, 16*1024 - 1, 17*1024 + 1, 33 * 1024, 70 * 1024} {
				if got, want := digestFromNodes(t, all[:n]), blake3.Sum256(all[:n]); got != want {
					t.Errorf("%d bytes: %x, want %x", n, got, want)
				}
			}
		})
	}
	for _, n := range []int{0, 1025, 4096} {
		if _, err := hash.BLAKE3Chunk(make([]byte, n), 0); !errors.Is(err, hash.ErrLength) {
			t.Errorf("chunk of %d bytes: error %v, want %v", n, err, hash.ErrLength)
		}
	}
}

func digestFromNodes(t *testing.T, msg []byte) [hash.Size]byte {
	t.Helper()
	whole := len(msg) / hash.BLAKE3ChunkSize
	var level []byte
	level = append(level, make([]byte, whole*hash.Size)...)
	if err := hash.BLAKE3Chunks(level, msg[:whole*hash.BLAKE3ChunkSize], 0); err != nil {
		t.Fatal(err)
	}
	if rest := msg[whole*hash.BLAKE3ChunkSize:]; len(rest) > 0 {
		cv, err := hash.BLAKE3Chunk(rest, uint64(whole))
		if err != nil {
			t.Fatal(err)
		}
		level = append(level, cv[:]...)
	}
	for len(level) > 2*hash.Size {
		odd := level[len(level)/64*64:]
		above := level[:len(level)/64*32]
		if err := hash.BLAKE3Parents(above, level[:len(level)/64*64]); err != nil {
			t.Fatal(err)
		}
		level = append(above, odd...)
	}
	return hash.BLAKE3Root((*[hash.Size]byte)(level), (*[hash.Size]byte)(level[hash.Size:]))
}

// TestBLAKE3ManyMixed has short messages in runs and between long ones.
func TestBLAKE3ManyMixed(t *testing.T) {
	all := blake3Random(4, 20_000)
	rng := rand.New(rand.NewPCG(5, 6))
	dispatched := hash.Implementation{Kernel: "blake3_many", Name: "dispatched", Many: hash.BLAKE3Many}
	for _, im := range append(hash.Implementations(), dispatched) {
		if im.Kernel != "blake3_many" || im.Unavailable != "" {
			continue
		}
		t.Run(im.Name, func(t *testing.T) {
			for round := range 120 {
				longEvery := []int{1, 2, 3, 20, 70, 1000}[round%6]
				msgs := make([][]byte, rng.IntN(200))
				var want []byte
				for i := range msgs {
					from, n := rng.IntN(500), rng.IntN(1025)
					if rng.IntN(longEvery) == 0 {
						n = 1025 + rng.IntN(3000)
					}
					msgs[i] = all[from : from+n]
					d := blake3.Sum256(msgs[i])
					want = append(want, d[:]...)
				}
				got := make([]byte, len(want))
				if err := im.Many(got, msgs); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("round %d, %d messages: wrong digests (%v)", round, len(msgs), err)
				}
			}
		})
	}
}

func blake3Random(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}
