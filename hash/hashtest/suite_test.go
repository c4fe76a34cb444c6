package hashtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/internal/guard"
)

// find returns the specification of a kernel.
func find(t *testing.T, kernel string) hash.Implementation {
	t.Helper()
	for _, im := range slices.Concat(hash.Implementations(), trees) {
		if im.Kernel == kernel {
			return im
		}
	}
	t.Fatalf("no kernel %s", kernel)
	return hash.Implementation{}
}

// trees are sound implementations of the shapes of BLAKE3's tree, whether
// package hash has registered kernels of these shapes or not.
var trees = []hash.Implementation{
	{Kernel: "blake3_chunks", Name: "generic", Chunks: func(dst, src []byte, counter uint64) error {
		if len(src)%blake3x.ChunkSize != 0 || len(dst) != len(src)/blake3x.ChunkSize*hash.Size {
			return fmt.Errorf("%w: src has %d bytes, dst %d", hash.ErrLength, len(src), len(dst))
		}
		blake3x.ChunksGeneric(dst, src, &blake3x.IV, counter, 0)
		return nil
	}},
	{Kernel: "blake3_parents", Name: "generic", Pairs: func(dst, src []byte) error {
		if len(src)%pairSize != 0 || len(dst) != len(src)/2 {
			return fmt.Errorf("%w: src has %d bytes, dst %d", hash.ErrLength, len(src), len(dst))
		}
		blake3x.ParentsGeneric(dst, src, &blake3x.IV, 0)
		return nil
	}},
}

// TestTrees runs the suite over the specification of these shapes.
func TestTrees(t *testing.T) { RunAll(t, trees) }

// firstFailure runs the checks whose names end in suffix and returns the name of
// the first that fails.
func firstFailure(t *testing.T, im hash.Implementation, suffix string) string {
	t.Helper()
	list, err := checks(im)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if !strings.HasSuffix(c.name, suffix) {
			continue
		}
		err := c.run(im)
		if errors.Is(err, guard.ErrUnsupported) {
			continue
		}
		if err != nil {
			t.Logf("%s: %s: %v", im.Kernel, c.name, err)
			return c.name
		}
	}
	return ""
}

// TestSuiteNoticesFaults breaks a correct implementation in ways seen in real
// kernels and expects the suite to say so.
func TestSuiteNoticesFaults(t *testing.T) {
	sound := map[string]bool{} // kernels whose specification passes
	for _, f := range []struct {
		kernel, fault, caughtBy string
		breakIt                 func(hash.Implementation) hash.Implementation
	}{
		{"sha256", "wrong padding at one length", "Monte Carlo", func(im hash.Implementation) hash.Implementation {
			good := im.One
			im.One = func(msg []byte) digest {
				d := good(msg)
				if len(msg) == 119 {
					d[31] ^= 1
				}
				return d
			}
			return im
		}},
		{"blake3", "message used as scratch", "lengths", func(im hash.Implementation) hash.Implementation {
			good := im.One
			im.One = func(msg []byte) digest {
				d := good(msg)
				if len(msg) > 0 {
					msg[0] ^= 1
				}
				return d
			}
			return im
		}},
		{"blake3", "last full chunk counted twice", "known vectors", func(im hash.Implementation) hash.Implementation {
			good := im.One
			im.One = func(msg []byte) digest {
				if len(msg) == 1024 {
					return good(append(msg[:1023:1023], 0))
				}
				return good(msg)
			}
			return im
		}},
		{"sha256_pairs", "tail lane lost", "counts", func(im hash.Implementation) hash.Implementation {
			good := im.Pairs
			im.Pairs = func(dst, src []byte) error {
				if len(src) == 17*64 {
					return good(dst[:16*32], src[:16*64])
				}
				return good(dst, src)
			}
			return im
		}},
		{"sha256_nodes", "digests stored before all pairs were read", "aliased", func(im hash.Implementation) hash.Implementation {
			good := im.Pairs
			im.Pairs = func(dst, src []byte) error {
				if n := len(src) / 64; n > 0 && len(dst) == n*32 && &dst[0] == &src[0] {
					clear(src[:1])
				}
				return good(dst, src)
			}
			return im
		}},
		{"sha256d_pairs", "half a result before the error", "wrong lengths", func(im hash.Implementation) hash.Implementation {
			good := im.Pairs
			im.Pairs = func(dst, src []byte) error {
				err := good(dst, src)
				if err != nil && len(dst) > 0 {
					dst[0] = 0
				}
				return err
			}
			return im
		}},
		{"sha256_many", "error without the sentinel", "wrong lengths", func(im hash.Implementation) hash.Implementation {
			good := im.Many
			im.Many = func(dst []byte, msgs [][]byte) error {
				if good(dst, msgs) != nil {
					return errors.New("bad length")
				}
				return nil
			}
			return im
		}},
		{"sha256_many", "leaf without its prefix", "leaves", func(im hash.Implementation) hash.Implementation {
			im.Leaves = im.Many
			return im
		}},
		{"sha256_many", "prefix ignored in records", "records", func(im hash.Implementation) hash.Implementation {
			good := im.Records
			im.Records = func(dst, src []byte, size int, prefix byte) error { return good(dst, src, size, 0) }
			return im
		}},
		{"blake3_many", "messages of a batch mixed up", "mixed lengths", func(im hash.Implementation) hash.Implementation {
			good := im.Many
			im.Many = func(dst []byte, msgs [][]byte) error {
				if len(msgs) > 2 && len(msgs[0]) != len(msgs[1]) {
					msgs = append([][]byte{msgs[1], msgs[0]}, msgs[2:]...)
				}
				return good(dst, msgs)
			}
			return im
		}},
		{"sha256_many", "a lane not emptied when its message ends early", "mixed lengths around lane counts", func(im hash.Implementation) hash.Implementation {
			good := im.Many
			im.Many = func(dst []byte, msgs [][]byte) error {
				if len(msgs) == 33 && len(msgs[0]) == 5000 {
					msgs = slices.Clone(msgs)
					msgs[32] = msgs[0]
				}
				return good(dst, msgs)
			}
			return im
		}},
		{"sha256_many", "one length wrong, in the last lane only", "consecutive lengths", func(im hash.Implementation) hash.Implementation {
			good := im.Many
			im.Many = func(dst []byte, msgs [][]byte) error {
				err := good(dst, msgs)
				if n := len(msgs); n == 33 && len(msgs[n-1]) == 1979 && len(msgs[0]) != len(msgs[n-1]) {
					dst[len(dst)-1] ^= 1
				}
				return err
			}
			return im
		}},
		{"sha256_many", "a long message wrong behind the first lanes", "FIPS 180-4 batches", func(im hash.Implementation) hash.Implementation {
			good := im.Many
			im.Many = func(dst []byte, msgs [][]byte) error {
				err := good(dst, msgs)
				if len(msgs) > 16 && len(msgs[16]) >= 1_000_000 {
					dst[16*hash.Size] ^= 1
				}
				return err
			}
			return im
		}},
		{"blake3_many", "a long message wrong behind the first lanes", "known vectors in batches", func(im hash.Implementation) hash.Implementation {
			good := im.Many
			im.Many = func(dst []byte, msgs [][]byte) error {
				err := good(dst, msgs)
				if len(msgs) > 16 && len(msgs[16]) >= 20_000 {
					dst[16*hash.Size] ^= 1
				}
				return err
			}
			return im
		}},
		{"blake3_chunks", "carry into the counter's high word lost", "counters", func(im hash.Implementation) hash.Implementation {
			good := im.Chunks
			im.Chunks = func(dst, src []byte, counter uint64) error {
				if fits := 1<<32 - counter; counter < 1<<32 && uint64(len(src)/1024) > fits {
					at := int(fits)
					return errors.Join(good(dst[:at*32], src[:at*1024], counter), good(dst[at*32:], src[at*1024:], 0))
				}
				return good(dst, src, counter)
			}
			return im
		}},
		{"blake3_chunks", "short tail of a batch numbered from 0", "counts", func(im hash.Implementation) hash.Implementation {
			good := im.Chunks
			im.Chunks = func(dst, src []byte, counter uint64) error {
				if n := len(src) / 1024; n == 17 && len(src)%1024 == 0 && len(dst) == n*32 {
					return errors.Join(good(dst[:16*32], src[:16*1024], counter), good(dst[16*32:], src[16*1024:], 0))
				}
				return good(dst, src, counter)
			}
			return im
		}},
		{"blake3_parents", "children taken the wrong way round", "counts", func(im hash.Implementation) hash.Implementation {
			good := im.Pairs
			im.Pairs = func(dst, src []byte) error {
				if len(src) != 64 {
					return good(dst, src)
				}
				return good(dst, slices.Concat(src[32:], src[:32]))
			}
			return im
		}},
	} {
		t.Run(f.kernel+" "+f.fault, func(t *testing.T) {
			good := find(t, f.kernel)
			if !sound[f.kernel] {
				if name := firstFailure(t, good, ""); name != "" {
					t.Fatalf("the sound implementation fails %q", name)
				}
				sound[f.kernel] = true
			}
			if name := firstFailure(t, f.breakIt(good), ""); !strings.Contains(name, f.caughtBy) {
				t.Errorf("caught by %q, want %q", name, f.caughtBy)
			}
		})
	}
}

func TestChecksRefuseUnknownKernels(t *testing.T) {
	if _, err := checks(hash.Implementation{Kernel: "sha3"}); err == nil {
		t.Error("a kernel without checks was accepted")
	}
	if _, err := checks(hash.Implementation{Kernel: "sha256"}); err == nil {
		t.Error("an implementation without its function was accepted")
	}
}

func TestGuardNoticesNeighbours(t *testing.T) {
	for _, at := range []int{0, margin - 1, margin + 32, 2*margin + 31} {
		g := newGuarded(32, 0)
		clear(g.bytes())
		if err := g.intact(); err != nil {
			t.Fatal(err)
		}
		g.all[at] = 0
		if g.intact() == nil {
			t.Errorf("a write at offset %d of the guarded buffer went unnoticed", at-margin)
		}
	}
}

func TestRequiredListNamesWhatIsMissing(t *testing.T) {
	got := notListed(splitList(" sha256:std, sha256:none ,,"), hash.Implementations())
	if len(got) != 1 || got[0] != "sha256:none" {
		t.Errorf("missing %q, want sha256:none", got)
	}
}
