package hashtest

import (
	"errors"
	"strings"
	"testing"

	"github.com/chainweir/weir/hash"
)

// find returns the specification of a kernel.
func find(t *testing.T, kernel string) hash.Implementation {
	t.Helper()
	for _, im := range hash.Implementations() {
		if im.Kernel == kernel {
			return im
		}
	}
	t.Fatalf("no kernel %s", kernel)
	return hash.Implementation{}
}

// firstFailure runs the checks and returns the name of the first that fails.
func firstFailure(t *testing.T, im hash.Implementation) string {
	t.Helper()
	list, err := checks(im)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if err := c.run(im); err != nil {
			t.Logf("%s: %s: %v", im.Kernel, c.name, err)
			return c.name
		}
	}
	return ""
}

// TestSuiteNoticesFaults breaks a correct implementation in ways seen in real
// kernels and expects the suite to say so.
func TestSuiteNoticesFaults(t *testing.T) {
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
	} {
		t.Run(f.kernel+" "+f.fault, func(t *testing.T) {
			good := find(t, f.kernel)
			if name := firstFailure(t, good); name != "" {
				t.Fatalf("the sound implementation fails %q", name)
			}
			if name := firstFailure(t, f.breakIt(good)); !strings.Contains(name, f.caughtBy) {
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
