package hashtest

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	gohash "hash"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chainweir/weir/hash"
)

// VectorsName is the environment variable that names the folder with the
// published vector files.
const VectorsName = "WEIR_VECTORS"

var sayOnce sync.Once

// readVectors decodes a JSON file of the vector folder into v. It returns false
// when the folder is not set; a folder without the file is a failure.
func readVectors(t *testing.T, v any, path ...string) bool {
	t.Helper()
	dir := os.Getenv(VectorsName)
	if dir == "" {
		sayOnce.Do(func() {
			t.Logf("%s is not set: only the vectors in the source of the tests are used", VectorsName)
		})
		return false
	}
	name := filepath.Join(append([]string{dir}, path...)...)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%s is set, so its files must be there: %v", VectorsName, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return true
}

// blake3Case is a case of the official file.
type blake3Case struct {
	InputLen  int    `json:"input_len"`
	Hash      string `json:"hash"`
	KeyedHash string `json:"keyed_hash"`
	DeriveKey string `json:"derive_key"`
}

// readBLAKE3Vectors returns the cases of the official file, or none when the
// vector folder is not set.
func readBLAKE3Vectors(t *testing.T) []blake3Case {
	t.Helper()
	var file struct {
		Cases []blake3Case `json:"cases"`
	}
	if !readVectors(t, &file, "blake3", "test_vectors.json") {
		return nil
	}
	if len(file.Cases) < len(blake3Known) {
		t.Fatalf("the vector file has %d cases; expected the official set of 35", len(file.Cases))
	}
	for _, c := range file.Cases {
		if len(c.Hash) < 2*hash.Size || len(c.KeyedHash) < 2*hash.Size || len(c.DeriveKey) < 2*hash.Size {
			t.Fatalf("input of %d bytes: an output in the vector file is shorter than a digest", c.InputLen)
		}
	}
	return file.Cases
}

// blake3BatchVectors checks a kernel for many messages against the official
// file: as one batch, and each case on all lanes.
func blake3BatchVectors(t *testing.T, im hash.Implementation) {
	var list []vector
	for _, c := range readBLAKE3Vectors(t) {
		list = append(list, vector{blake3Input(c.InputLen), c.Hash[:2*hash.Size]})
	}
	if err := vectorBatches(im.Many, list); err != nil {
		t.Error(err)
	}
}

// blake3Vectors checks the default hash mode against the official file. The
// other two modes are checked to differ: an implementation that answered with
// one of them would be claiming something that it does not offer.
func blake3Vectors(t *testing.T, sum func([]byte) digest) {
	for _, c := range readBLAKE3Vectors(t) {
		got := sum(blake3Input(c.InputLen))
		if err := expectHex(got, c.Hash[:2*hash.Size]); err != nil {
			t.Errorf("input of %d bytes: %v", c.InputLen, err)
		}
		if text := hex.EncodeToString(got[:]); text == c.KeyedHash[:2*hash.Size] || text == c.DeriveKey[:2*hash.Size] {
			t.Errorf("input of %d bytes: the digest is that of another mode", c.InputLen)
		}
	}
}

// HMACSHA256 checks a streaming SHA-256 through crypto/hmac: RFC 4231 cases 1
// and 2, and Wycheproof's set.
func HMACSHA256(t *testing.T, newHash func() gohash.Hash) {
	for _, v := range []struct{ key, msg, tag string }{
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", hex.EncodeToString([]byte("Hi There")),
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{hex.EncodeToString([]byte("Jefe")), hex.EncodeToString([]byte("what do ya want for nothing?")),
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	} {
		if got := hmacHex(t, newHash, v.key, v.msg); got != v.tag {
			t.Errorf("RFC 4231, key %s: tag %s, want %s", v.key, got, v.tag)
		}
	}
	var file struct {
		Groups []struct {
			TagSize int `json:"tagSize"`
			Tests   []struct {
				ID                             int `json:"tcId"`
				Comment, Key, Msg, Tag, Result string
			} `json:"tests"`
		} `json:"testGroups"`
	}
	if !readVectors(t, &file, "wycheproof", "hmac_sha256_test.json") {
		return
	}
	valid, invalid := 0, 0
	for _, g := range file.Groups {
		for _, v := range g.Tests {
			got := hmacHex(t, newHash, v.Key, v.Msg)[:g.TagSize/4]
			switch {
			case v.Result == "valid":
				valid++
			case v.Result == "invalid":
				invalid++
			default:
				t.Errorf("Wycheproof test %d has the result %q, which this test does not know", v.ID, v.Result)
			}
			if (got == v.Tag) != (v.Result == "valid") {
				t.Errorf("Wycheproof test %d (%s, %s): tag %s against %s", v.ID, v.Result, v.Comment, got, v.Tag)
			}
		}
	}
	if valid == 0 || invalid == 0 {
		t.Errorf("Wycheproof file with %d valid and %d invalid tests; expected some of both", valid, invalid)
	}
}

func hmacHex(t *testing.T, newHash func() gohash.Hash, keyHex, msgHex string) string {
	t.Helper()
	key, err := hex.DecodeString(keyHex)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := hex.DecodeString(msgHex)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(newHash, key)
	mac.Write(msg)
	return hex.EncodeToString(mac.Sum(nil))
}
