package merkle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// Block 100000 of the Bitcoin main chain, in display order.
var (
	block100000 = []string{
		"8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87",
		"fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4",
		"6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4",
		"e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d",
	}
	block100000Root = "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766"
)

func displayHash(t *testing.T, text string) Hash {
	t.Helper()
	h, err := ParseHash(text, true)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestBitcoinBlock100000(t *testing.T) {
	var leaves [][]byte
	for _, txid := range block100000 {
		h := displayHash(t, txid)
		leaves = append(leaves, h[:])
	}
	want := displayHash(t, block100000Root)
	got, err := NewBuilder(Bitcoin, 0).Root(leaves)
	if err != nil || got != want {
		t.Fatalf("root %s, %v; want %s", FormatBytes(got[:], true), err, block100000Root)
	}
	for i, leaf := range leaves {
		p, err := NewBuilder(Bitcoin, 0).Proof(context.Background(), leaves, uint64(i))
		if err != nil || len(p.Path) != 2 || p.Verify(want) != nil {
			t.Errorf("txid %d: %v, path of %d", i, err, len(p.Path))
		}
		if err := VerifyInclusion(Bitcoin, want, leaf, uint64(i^1), 4, p.Path); !errors.Is(err, ErrRootMismatch) {
			t.Errorf("txid %d in its sibling's place: %v", i, err)
		}
	}
}

// repeated returns 32-byte leaves named by small numbers.
func repeated(numbers ...byte) [][]byte {
	leaves := make([][]byte, len(numbers))
	for i, n := range numbers {
		leaves[i] = make([]byte, HashSize)
		leaves[i][0] = n
	}
	return leaves
}

// CVE-2012-2459: each pair of lists has one root. The shorter one is sound, the
// longer one is reported, and gets neither a proof nor a tree.
func TestBitcoinMutation(t *testing.T) {
	for _, tc := range []struct{ sound, mutated []byte }{
		{[]byte{1, 2, 3}, []byte{1, 2, 3, 3}},
		{[]byte{1, 2, 3, 4, 5, 6}, []byte{1, 2, 3, 4, 5, 6, 5, 6}},
		{[]byte{1, 2, 3, 4, 5}, []byte{1, 2, 3, 4, 5, 5, 5, 5}},
		{[]byte{1, 2, 3, 4, 5}, []byte{1, 2, 3, 4, 5, 5}},
		{[]byte{1, 2, 3, 4, 5, 6, 7}, []byte{1, 2, 3, 4, 5, 6, 7, 7}},
	} {
		for _, workers := range []int{1, 2, 8} {
			b := newTinyBuilder(Bitcoin, workers)
			want, err := b.Root(repeated(tc.sound...))
			if err != nil {
				t.Errorf("%v: %v", tc.sound, err)
			}
			got, err := b.Root(repeated(tc.mutated...))
			if !errors.Is(err, ErrMutated) {
				t.Errorf("%v: error %v; want ErrMutated", tc.mutated, err)
			}
			if got != want {
				t.Errorf("%v: root %x, but %v has %x", tc.mutated, got, tc.sound, want)
			}
			if _, err := b.Proof(context.Background(), repeated(tc.mutated...), 0); !errors.Is(err, ErrMutated) {
				t.Errorf("%v: proof: %v", tc.mutated, err)
			}
			tree, err := Build(context.Background(), Bitcoin, Leaves(repeated(tc.mutated...)), workers)
			if !errors.Is(err, ErrMutated) || tree != nil {
				t.Errorf("%v: tree %v, %v", tc.mutated, tree, err)
			}
		}
	}
}

// Two equal leaves alone have a root of their own, yet no honest block has them.
func TestBitcoinTwoEqualLeaves(t *testing.T) {
	leaves := repeated(1, 1)
	if got, err := NewBuilder(Bitcoin, 1).Root(leaves); !errors.Is(err, ErrMutated) || got != specBitcoin(leaves) {
		t.Errorf("got %x, %v", got, err)
	}
}

// Equal leaves that are not siblings are no mutation; for RFC 6962 equal leaves
// never are.
func TestEqualLeavesThatAreSound(t *testing.T) {
	leaves := repeated(1, 2, 2, 3, 1)
	if got, err := NewBuilder(Bitcoin, 1).Root(leaves); err != nil || got != specBitcoin(leaves) {
		t.Errorf("bitcoin: %x, %v", got, err)
	}
	almost := repeated(1, 1, 2, 2) // siblings whose first 31 bytes are equal
	almost[1][31], almost[3][31] = 1, 1
	if got, err := NewBuilder(Bitcoin, 1).Root(almost); err != nil || got != specBitcoin(almost) {
		t.Errorf("bitcoin, almost equal: %x, %v", got, err)
	}
	leaves = repeated(1, 1, 1, 1, 1)
	if got, err := NewBuilder(RFC6962, 1).Root(leaves); err != nil || got != specRFC6962(leaves) {
		t.Errorf("rfc6962: %x, %v", got, err)
	}
}

// Wherever a mutation is, in whichever piece and layer, it is found, and the
// place that is named does not depend on the number of workers.
func TestBitcoinMutationAnywhere(t *testing.T) {
	const n = 256
	for block := 1; block < n; block *= 2 { // this many leaves are repeated
		for at := 0; at+2*block <= n; at += 2 * block {
			leaves := someLeaves(Bitcoin, n)
			copy(leaves[at+block:at+2*block], leaves[at:at+block])
			var texts []string
			for _, workers := range []int{1, 2, 8} {
				got, err := newTinyBuilder(Bitcoin, workers).Root(leaves)
				if !errors.Is(err, ErrMutated) || got != specBitcoin(leaves) {
					t.Fatalf("%d leaves repeated at %d: %x, %v", block, at, got, err)
				}
				texts = append(texts, err.Error())
			}
			want := fmt.Sprintf("nodes %d and %d of level %d", at/block, at/block+1, levelsAbove(uint64(block)))
			if len(slices.Compact(texts)) != 1 || !contains(texts[0], want) {
				t.Fatalf("%d leaves repeated at %d: want %q in %q", block, at, want, texts)
			}
		}
	}
}

// A Builder that has met a mutated list builds the next one as if nothing had
// been.
func TestBuilderAfterMutation(t *testing.T) {
	b := NewBuilder(Bitcoin, 1)
	if _, err := b.Root(repeated(1, 2, 3, 3)); !errors.Is(err, ErrMutated) {
		t.Fatal(err)
	}
	if _, err := b.Root(repeated(1, 2, 3)); err != nil {
		t.Fatal(err)
	}
}
