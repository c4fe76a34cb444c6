package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/zeebo/blake3"
	"go.uber.org/goleak"
)

// Tests that only calculate run in parallel. Those that count allocations do not,
// and are over before the others begin.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The specifications that everything here is held against: recursive, over
// crypto/sha256 and zeebo/blake3 alone, and not shared with the code under test.

// specSum is SHA-256 of parts one after the other. The buffer is for the time
// that the tests take.
func specSum(parts ...[]byte) Hash {
	var room [192]byte
	message := room[:0]
	for _, part := range parts {
		message = append(message, part...)
	}
	return sha256.Sum256(message)
}

func specRFC6962(leaves [][]byte) Hash {
	if len(leaves) == 0 {
		return sha256.Sum256(nil)
	}
	if len(leaves) == 1 {
		return specSum([]byte{0}, leaves[0])
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	l, r := specRFC6962(leaves[:k]), specRFC6962(leaves[k:])
	return specSum([]byte{1}, l[:], r[:])
}

func specBitcoin(nodes [][]byte) Hash {
	switch {
	case len(nodes) == 0:
		return Hash{}
	case len(nodes) == 1:
		return Hash(nodes[0])
	case len(nodes)%2 == 1:
		nodes = append(nodes[:len(nodes):len(nodes)], nodes[len(nodes)-1])
	}
	var above [][]byte
	for i := 0; i < len(nodes); i += 2 {
		once := specSum(nodes[i], nodes[i+1])
		twice := sha256.Sum256(once[:])
		above = append(above, twice[:])
	}
	return specBitcoin(above)
}

// specSSZ is merkleize for a tree of 2^depth chunks.
func specSSZ(chunks [][]byte, depth int) Hash {
	if depth == 0 && len(chunks) == 1 {
		return Hash(chunks[0])
	}
	if depth == 0 {
		return Hash{}
	}
	var left, right Hash
	switch half := uint64(1) << (depth - 1); {
	case len(chunks) == 0: // both are equal
		left = specSSZ(nil, depth-1)
		right = left
	case uint64(len(chunks)) <= half:
		left, right = specSSZ(chunks, depth-1), specSSZ(nil, depth-1)
	default:
		left, right = specSSZ(chunks[:half], depth-1), specSSZ(chunks[half:], depth-1)
	}
	return specSum(left[:], right[:])
}

// specNode is one pair of nodes of any scheme.
func specNode(s *Scheme, left, right Hash) Hash {
	switch s.Name() {
	case "rfc6962", "cometbft":
		return specSum([]byte{1}, left[:], right[:])
	case "bitcoin":
		once := specSum(left[:], right[:])
		return specSum(once[:])
	case "plain-blake3":
		return blake3.Sum256(append(left[:], right[:]...))
	}
	return specSum(left[:], right[:])
}

// specDepth is the exponent of the power of two that n chunks are padded to.
func specDepth(n uint64) int {
	depth := 0
	for depth < 64 && uint64(1)<<depth < n {
		depth++
	}
	return depth
}

func specPlain(sum func([]byte) [32]byte, leaves [][]byte) Hash {
	if len(leaves) == 0 {
		return sum(nil)
	}
	if len(leaves) == 1 {
		return sum(leaves[0])
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	l, r := specPlain(sum, leaves[:k]), specPlain(sum, leaves[k:])
	return sum(append(l[:], r[:]...))
}

func specRoot(s *Scheme, leaves [][]byte) Hash {
	if limit, ok := strings.CutPrefix(s.Name(), "ssz:"); ok {
		chunks, err := strconv.ParseUint(limit, 10, 64)
		if err != nil || uint64(len(leaves)) > chunks {
			panic(fmt.Sprintf("no root of %d leaves for %s: %v", len(leaves), s.Name(), err))
		}
		return specSSZ(leaves, specDepth(chunks))
	}
	switch s.Name() {
	case "rfc6962", "cometbft":
		return specRFC6962(leaves)
	case "bitcoin":
		return specBitcoin(leaves)
	case "ssz":
		return specSSZ(leaves, specDepth(uint64(len(leaves))))
	case "plain-sha256":
		return specPlain(sha256.Sum256, leaves)
	case "plain-blake3":
		return specPlain(blake3.Sum256, leaves)
	}
	panic("no specification for " + s.Name()) // so that no scheme goes untested
}

// someLeaves returns n different leaves that fit the scheme: of 32 bytes where
// they are nodes, else of every length from 0 to 130 (around two SHA-256 blocks).
// They are the caller's own.
func someLeaves(s *Scheme, n int) [][]byte {
	digests := someDigests(n)
	length := func(i int) int {
		switch {
		case s.LeavesAreNodes():
			return HashSize
		case i == 0:
			return 0 // the only short one that could repeat
		default:
			return 8 + i%123
		}
	}
	total := 0
	for i := range n {
		total += length(i)
	}
	flat := make([]byte, total)
	leaves := make([][]byte, n)
	for i := range n {
		size := length(i)
		copy(flat[:size], digests[i*HashSize:(i+1)*HashSize]) // zeros follow a digest
		leaves[i], flat = flat[:size:size], flat[size:]
	}
	return leaves
}

var knownDigests struct {
	sync.Mutex
	flat []byte
}

// someDigests returns the digests of the numbers below n, side by side, to be
// read only. They are made once for all tests.
func someDigests(n int) []byte {
	knownDigests.Lock()
	defer knownDigests.Unlock()
	for i := len(knownDigests.flat) / HashSize; i < n; i++ {
		sum := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
		knownDigests.flat = append(knownDigests.flat, sum[:]...)
	}
	return knownDigests.flat[:n*HashSize]
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatalf("test data %q: %v", text, err)
	}
	return b
}

func unhexHash(t testing.TB, text string) Hash {
	t.Helper()
	return Hash(unhex(t, text))
}

// eachScheme runs a test once for each scheme.
func eachScheme(t *testing.T, run func(t *testing.T, s *Scheme)) {
	for _, s := range Schemes() {
		t.Run(s.Name(), func(t *testing.T) { run(t, s) })
	}
}

// proofSchemes are the schemes, and SSZ lists whose limit is one more power of
// two, and many powers of two, above their length.
func proofSchemes() []*Scheme {
	return append(Schemes(), SSZLimit(1000), SSZLimit(1<<40), SSZLimit(math.MaxUint64))
}

// eachProofScheme runs a test once for each of proofSchemes.
func eachProofScheme(t *testing.T, run func(t *testing.T, s *Scheme)) {
	for _, s := range proofSchemes() {
		t.Run(s.Name(), func(t *testing.T) { run(t, s) })
	}
}

// sizeFor is n, or the most leaves that the scheme takes where that is less.
func sizeFor(s *Scheme, n uint64) uint64 {
	if s.limited {
		return min(n, s.limit)
	}
	return n
}

// tinyPieces cuts even small trees into many pieces of several layers.
var tinyPieces = pieceSizes{max: 16, min: 4, perWorker: 2, keep: 2, parallel: 8}

func newTinyBuilder(s *Scheme, workers int) *Builder {
	b := NewBuilder(s, workers)
	b.sizes = tinyPieces
	return b
}

// everySize is up to which size a test tries every one: all of them, or, with
// -short, as where a processor is emulated, those around the first powers of two.
func everySize(most int) int {
	if testing.Short() {
		return min(most, 70)
	}
	return most
}
