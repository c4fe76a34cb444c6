package merkle

import "testing"

// The cases of cometbft's own TestHashFromByteSlices and TestRFC6962Hasher
// (crypto/merkle/tree_test.go and rfc6962_test.go).
func TestCometBFTKnownRoots(t *testing.T) {
	for name, tc := range map[string]struct {
		leaves [][]byte
		want   string
	}{
		"empty":        {nil, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"single":       {[][]byte{{1, 2, 3}}, "054edec1d0211f624fed0cbca9d4f9400b0e491c43742af2c5b0abebf0c990d8"},
		"single blank": {[][]byte{{}}, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
		"two":          {[][]byte{{1, 2, 3}, {4, 5, 6}}, "82e6cfce00453804379b53962939eaa7906b39904be0813fcadd31b100773c4b"},
		"many": {
			[][]byte{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}},
			"f326493eceab4f2d9ffbc78c59432a0a005d6ea98392045c74df5d14a113be18",
		},
		"leaf": {[][]byte{[]byte("L123456")}, "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"},
	} {
		got, err := NewBuilder(CometBFT, 1).Root(tc.leaves)
		if err != nil || got != unhexHash(t, tc.want) {
			t.Errorf("%s: %x, %v; want %s", name, got, err, tc.want)
		}
	}
}

// The two trees are one; the names that proofs carry are two.
func TestCometBFTIsRFC6962(t *testing.T) {
	p, q := someProof(t, CometBFT, 11, 7), someProof(t, RFC6962, 11, 7)
	if p.Root != q.Root || p.Scheme.Name() == q.Scheme.Name() {
		t.Errorf("%s has %x, %s has %x", p.Scheme.Name(), p.Root, q.Scheme.Name(), q.Root)
	}
	if err := VerifyInclusion(RFC6962, p.Root, p.Leaf, p.Index, p.Size, p.Path); err != nil {
		t.Errorf("a CometBFT proof as one of RFC 6962: %v", err)
	}
}
