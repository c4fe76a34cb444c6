package hashtest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"github.com/zeebo/blake3"

	"github.com/chainweir/weir/hash"
)

// maxLanes is the widest lane count in sight.
const maxLanes = 32

// MaxCount is the largest batch that the suite tries at every smaller count
// too: more than four times the widest lane count.
const MaxCount = 4*maxLanes + 3

type digest = [hash.Size]byte

// References. BLAKE3's is another implementation than the package's own
// specification; where an implementation is the reference itself, the official
// vectors and the specification's own run are what tests it.

func sumSHA256(msg []byte) digest { return sha256.Sum256(msg) }
func sumBLAKE3(msg []byte) digest { return blake3.Sum256(msg) }

var pairReference = map[string]func(pair []byte) digest{
	"sha256_pairs":  sumSHA256,
	"sha256_nodes":  func(pair []byte) digest { return sumPrefixed(1, pair) },
	"sha256d_pairs": func(pair []byte) digest { d := sumSHA256(pair); return sumSHA256(d[:]) },

	"blake3_parents": sumParent,
}

func sumPrefixed(prefix byte, msg []byte) digest {
	return sumSHA256(append([]byte{prefix}, msg...))
}

// random returns n bytes that are the same in every run.
func random(seed uint64, n int) []byte {
	src := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(n), byte(n >> 8), byte(n >> 16)})
	b := make([]byte, n)
	src.Read(b) // never fails, by its documentation
	return b
}

// margin is how many bytes around a guarded buffer are watched: more than a
// cache line, so that a full-width store beside the mark is noticed.
const margin = 80

// guarded is a buffer between two margins, at any alignment.
type guarded struct {
	all  []byte
	from int
	n    int
}

func newGuarded(n, shift int) guarded {
	g := guarded{make([]byte, margin+shift+n+margin), margin + shift, n}
	for i := range g.all {
		g.all[i] = 0xc5
	}
	return g
}

// bytes is the buffer. Its capacity ends with it.
func (g guarded) bytes() []byte { return g.all[g.from : g.from+g.n : g.from+g.n] }

// intact says whether the margins are as they were made.
func (g guarded) intact() error {
	for i, b := range g.all {
		if (i < g.from || i >= g.from+g.n) && b != 0xc5 {
			return fmt.Errorf("byte %d relative to the %d-byte buffer was overwritten", i-g.from, g.n)
		}
	}
	return nil
}

// untouched says whether neither the margins nor the buffer were written.
func (g guarded) untouched() error {
	return guarded{g.all, g.from, 0}.intact()
}
