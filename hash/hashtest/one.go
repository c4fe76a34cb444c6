package hashtest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/chainweir/weir/hash"
)

// fips are the examples for SHA-256 that NIST publishes with FIPS 180-4.
var fips = []struct{ msg, want string }{
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
}

const millionA = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

var fipsChecks = []check{
	{"FIPS 180-4 examples", func(im hash.Implementation) error {
		for _, v := range fips {
			if err := expectHex(im.One([]byte(v.msg)), v.want); err != nil {
				return fmt.Errorf("message %q: %w", v.msg, err)
			}
		}
		return nil
	}},
	{"FIPS 180-4 million a", func(im hash.Implementation) error {
		return expectHex(im.One(bytes.Repeat([]byte("a"), 1_000_000)), millionA)
	}},
	{"Monte Carlo", monteCarlo},
}

// monteCarloSteps is long enough that an error in any bit of any step spreads
// over the whole last digest.
const monteCarloSteps = 100_000

// monteCarlo hashes digests of digests, with lengths from 0 to 3 blocks, and
// compares the chain with crypto/sha256's.
func monteCarlo(im hash.Implementation) error {
	state, wantState := random(1, 192), random(1, 192)
	var got, want digest
	for i := range monteCarloSteps {
		n := i % (len(state) + 1)
		got, want = im.One(state[:n]), sumSHA256(wantState[:n])
		at := 32 * (i % (len(state) / 32))
		copy(state[at:], got[:])
		copy(wantState[at:], want[:])
	}
	if got != want {
		return fmt.Errorf("after %d steps the chain is at %x, want %x", monteCarloSteps, got, want)
	}
	return nil
}

// blake3Known are official BLAKE3 vectors: input byte i is i mod 251.
var blake3Known = []struct {
	length int
	want   string
}{
	{0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
	{1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
	{1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
	{1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
	{31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"},
}

var blake3Facts = []check{{"known vectors", func(im hash.Implementation) error {
	for _, v := range blake3Known {
		if err := expectHex(im.One(blake3Input(v.length)), v.want); err != nil {
			return fmt.Errorf("input of %d bytes: %w", v.length, err)
		}
	}
	return nil
}}}

// blake3Input is the input of the official vectors.
func blake3Input(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

func expectHex(got digest, want string) error {
	if hex.EncodeToString(got[:]) != want {
		return fmt.Errorf("digest %x, want %s", got, want)
	}
	return nil
}

// oneChecks are the checks for functions of one message: every length up to
// denseLengths, then the lengths around each multiple of unit up to sparse.
func oneChecks(ref func([]byte) digest, unit, sparse int) []check {
	var lengths []int
	for n := range denseLengths + 1 {
		lengths = append(lengths, n)
	}
	for edge := unit; edge <= sparse; edge += unit {
		for _, beside := range []int{-64, -1, 0, 1, 64} {
			if n := edge + beside; n > lengths[len(lengths)-1] {
				lengths = append(lengths, n)
			}
		}
	}
	return []check{
		{"lengths", func(im hash.Implementation) error {
			for _, n := range lengths {
				if err := compareOne(im, ref, n, 0); err != nil {
					return err
				}
			}
			return nil
		}},
		{"unaligned", func(im hash.Implementation) error {
			for shift := range 65 {
				for _, n := range []int{1, 63, 64, 65, unit + 1, 2*unit + 7} {
					if err := compareOne(im, ref, n, shift); err != nil {
						return err
					}
				}
			}
			return nil
		}},
		guardedOne(ref, slices.DeleteFunc(slices.Clone(lengths), func(n int) bool {
			// Beyond two units how a message ends has been seen.
			return n > 2*unit+70 && n%unit > 1 && n%unit < unit-1
		})),
	}
}

// compareOne hashes n random bytes at the given alignment, and checks that the
// message is left as it was.
func compareOne(im hash.Implementation, ref func([]byte) digest, n, shift int) error {
	g := newGuarded(n, shift)
	copy(g.bytes(), random(2, n))
	before := slices.Clone(g.all)
	want := ref(slices.Clone(g.bytes()))
	if got := im.One(g.bytes()); got != want {
		return fmt.Errorf("length %d, shift %d: digest %x, want %x", n, shift, got, want)
	}
	if !bytes.Equal(before, g.all) {
		return fmt.Errorf("length %d, shift %d: the message was changed", n, shift)
	}
	return nil
}
