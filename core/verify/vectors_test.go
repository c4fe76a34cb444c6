package verify_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/chainweir/weir/core/verify"
)

// readVectors reads a file of public test vectors from the folder that
// WEIR_VECTORS names. Unset is fine and said; set without the file is a failure.
func readVectors(t *testing.T, into any, path ...string) bool {
	t.Helper()
	dir := os.Getenv("WEIR_VECTORS")
	if dir == "" {
		t.Log("WEIR_VECTORS is unset: the public vectors are not run, only the facts in these tests")
		return false
	}
	b, err := os.ReadFile(filepath.Join(append([]string{dir}, path...)...))
	if err != nil {
		t.Fatalf("WEIR_VECTORS is set, but: %v", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
	return true
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// good is a valid signature: RFC 8032 section 7.1, test 2.
func good(t testing.TB) verify.Triple {
	return verify.Triple{
		Key: unhex(t, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
		Msg: []byte{0x72},
		Sig: unhex(t, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"+
			"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
	}
}

// goods are valid signatures of different keys, made once.
var goods = sync.OnceValue(func() []verify.Triple {
	vs := make([]verify.Triple, 2*around+1)
	for i := range vs {
		k := privateKey(1000 + i)
		msg := fmt.Appendf(nil, "message %d", i)
		vs[i] = verify.Triple{Key: k.Public().(ed25519.PublicKey), Msg: msg, Sig: ed25519.Sign(k, msg)}
	}
	return vs
})

// around is how many good signatures stand on each side of the one in question.
const around = 100

// wantVerdict holds that a signature gets the same verdict alone and at every
// position of a batch of good ones, with kept points and without, and that the
// library agrees. The small batch takes one algorithm of multi-scalar
// multiplication, the large one the other.
func wantVerdict(t *testing.T, name string, v verify.Triple, want bool) {
	t.Helper()
	if got := v.Library(); got != want {
		t.Errorf("%s: the library says %v, want %v", name, got, want)
	}
	g := goods()
	keys := verify.NewKeys(1000)
	for _, kept := range []bool{false, true} {
		before := keys.Kept()
		all := slices.Concat(g[:around], []verify.Triple{v}, g[around:2*around])
		k, taken := verify.KernelOf(keys, all...)
		if taken == 2*around && !want {
			return // no message could make it good, so it never gets near others
		}
		if taken != len(all) {
			t.Errorf("%s: %d of %d signatures were taken", name, taken, len(all))
			return
		}
		check := func(lo, hi int) {
			t.Helper()
			var bad verify.Bitmap
			if got := k.Check(lo, hi, &bad); (got == verify.AllGood) != want {
				t.Errorf("%s: position %d of a batch of %d: verdict %d, want good %v (second time %v)",
					name, around-lo, hi-lo, got, want, kept)
			}
		}
		check(around, around+1)
		for _, n := range []int{2, 7} {
			for lo := around - n + 1; lo <= around; lo++ {
				check(lo, lo+n)
			}
		}
		for _, lo := range []int{0, 1, around / 2, around} {
			check(lo, lo+around+1)
		}
		if keys.Kept() == before && want {
			t.Errorf("%s: a key that verified was not kept", name)
		}
	}
}

// One signature moves through a whole batch of the larger kind.
func TestEveryPositionOfALargeBatch(t *testing.T) {
	g := goods()
	bad := g[2*around]
	bad.Msg = []byte("another")
	k, _ := verify.KernelOf(verify.NewKeys(0), slices.Concat(g[:around], []verify.Triple{bad}, g[around:2*around])...)
	var bm verify.Bitmap
	for lo := range around + 1 {
		if v := k.Check(lo, lo+around+1, &bm); v == verify.AllGood {
			t.Errorf("a bad signature at position %d of %d passes", around-lo, around+1)
		}
	}
	if k.Check(0, around, &bm) != verify.AllGood || k.Check(around+1, 2*around+1, &bm) != verify.AllGood {
		t.Error("the good ones around it do not pass")
	}
}

func TestRFC8032(t *testing.T) {
	for i, v := range []verify.Triple{
		{
			Key: unhex(t, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
			Sig: unhex(t, "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
		},
		good(t),
		{
			Key: unhex(t, "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
			Msg: []byte{0xaf, 0x82},
			Sig: unhex(t, "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
		},
	} {
		wantVerdict(t, "RFC 8032", v, true)
		for _, at := range []int{0, 31, 32, 63} {
			bad := v
			bad.Sig = slices.Clone(v.Sig)
			bad.Sig[at] ^= 1
			wantVerdict(t, "RFC 8032 with another signature", bad, false)
		}
		bad := v
		bad.Msg = append(slices.Clone(v.Msg), byte(i))
		wantVerdict(t, "RFC 8032 with another message", bad, false)
	}
}

// The neutral element as key and as R, S zero: valid for every message under
// ZIP-215, refused by Go's crypto/ed25519 only where encodings differ.
func TestSmallOrderFacts(t *testing.T) {
	one := make([]byte, 32)
	one[0] = 1
	minusOne := unhex(t, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f") // order 2
	zeroS := make([]byte, 32)
	for _, key := range [][]byte{one, minusOne} {
		for _, r := range [][]byte{one, minusOne} {
			v := verify.Triple{Key: key, Msg: []byte("any"), Sig: slices.Concat(r, zeroS)}
			wantVerdict(t, "small order", v, true)
		}
	}
	overL := unhex(t, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010") // L
	wantVerdict(t, "S = L", verify.Triple{Key: one, Sig: slices.Concat(one, overL)}, false)
	two := make([]byte, 32)
	two[0] = 2 // y = 2 is on no point
	wantVerdict(t, "undecodable key", verify.Triple{Key: two, Sig: slices.Concat(one, zeroS)}, false)
	wantVerdict(t, "undecodable R", verify.Triple{Key: one, Sig: slices.Concat(two, zeroS)}, false)
}

func TestWycheproof(t *testing.T) {
	var file struct {
		Groups []struct {
			PublicKey struct{ PK string } `json:"publicKey"`
			Tests     []struct {
				ID                        int `json:"tcId"`
				Comment, Msg, Sig, Result string
			} `json:"tests"`
		} `json:"testGroups"`
	}
	if !readVectors(t, &file, "wycheproof", "ed25519_test.json") {
		return
	}
	// ZIP-215 differs from RFC 8032 in one of these tests on purpose: an R of
	// x = 0 with the sign bit set decodes.
	const negativeZero = 151
	count := map[string]int{}
	for _, g := range file.Groups {
		key := unhex(t, g.PublicKey.PK)
		for _, v := range g.Tests {
			count[v.Result]++
			if v.Result != "valid" && v.Result != "invalid" {
				t.Errorf("test %d has the result %q, which this test does not know", v.ID, v.Result)
			}
			wantVerdict(t, v.Comment, verify.Triple{Key: key, Msg: unhex(t, v.Msg), Sig: unhex(t, v.Sig)},
				v.Result == "valid" || v.ID == negativeZero)
		}
	}
	if count["valid"] < 50 || count["invalid"] < 50 {
		t.Errorf("Wycheproof file with %v; expected more", count)
	}
}

// A CCTV vector is valid under ZIP-215 unless S is out of range, a point does
// not decode, or its k was hashed from re-encoded points. The last only shows
// where A is not of low order: otherwise 8kA vanishes whatever k is.
func TestCCTV(t *testing.T) {
	var file []struct {
		Number        int
		Key, Sig, Msg string
		Flags         []string
	}
	if !readVectors(t, &file, "cctv", "ed25519vectors.json") {
		return
	}
	refused, outside := 0, 0
	has := slices.Contains[[]string]
	for _, v := range file {
		tr := verify.Triple{Key: unhex(t, v.Key), Msg: []byte(v.Msg), Sig: unhex(t, v.Sig)}
		want := decodes(tr.Key) && decodes(tr.Sig[:32]) && inRange(tr.Sig[32:]) &&
			(!has(v.Flags, "reencoded_k") || has(v.Flags, "low_order_A"))
		if !want {
			refused++
		}
		if has(v.Flags, "non_canonical_A") || has(v.Flags, "non_canonical_R") {
			outside++ // what crypto/ed25519 would refuse
		}
		wantVerdict(t, "CCTV "+v.Key+v.Sig, tr, want)
	}
	t.Logf("%d vectors, %d of them refused by the rule, %d with encodings that are not canonical", len(file), refused, outside)
	if len(file) < 500 || outside == 0 || refused == 0 {
		t.Errorf("%d vectors, %d not canonical, %d refused; expected more", len(file), outside, refused)
	}
}

var (
	fieldP = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	orderL = func() *big.Int {
		l, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
		return l.Add(l, new(big.Int).Lsh(big.NewInt(1), 252))
	}()
)

func little(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

func inRange(s []byte) bool { return little(s).Cmp(orderL) < 0 }

// decodes tells whether ZIP-215 finds a point: y is taken modulo p, and only
// whether x² = (y²-1)/(dy²+1) has a root matters.
func decodes(b []byte) bool {
	y := little(b)
	y.SetBit(y, 255, 0)
	y2 := y.Mul(y, y)
	num := new(big.Int).Sub(y2, big.NewInt(1))
	d := new(big.Int).ModInverse(big.NewInt(121666), fieldP)
	d.Mul(d, big.NewInt(-121665))
	den := new(big.Int).Mul(d, y2)
	den.Add(den, big.NewInt(1)).Mod(den, fieldP)
	x2 := num.Mul(num, den.ModInverse(den, fieldP))
	return big.Jacobi(x2.Mod(x2, fieldP), fieldP) >= 0
}
