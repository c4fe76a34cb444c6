package merkle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/zeebo/blake3"
	"pgregory.net/rapid"
)

func someBLAKE3Proof(t fataler, size int, index uint64) BLAKE3Proof {
	t.Helper()
	p, err := ReadBLAKE3Proof(context.Background(), bytes.NewReader(blake3Message(size)), index, 2)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What is read from a stream is what BLAKE3Path makes of the whole message, also
// where blocks of the reading end.
func TestReadBLAKE3Proof(t *testing.T) {
	const block = chunkReadBytes
	for _, size := range []int{0, 1, 1023, 1024, 1025, 2048, 5000, 300 << 10, block - 1, block, block + 1, block + 1024, 2*block + 5000} {
		if testing.Short() && size > block+1 {
			continue
		}
		msg := blake3Message(size)
		want := blake3.Sum256(msg)
		n := BLAKE3Chunks(uint64(size))
		for _, index := range []uint64{0, n / 2, n - 1} {
			root, path, err := BLAKE3Path(context.Background(), msg, index, 1)
			if err != nil || root != want {
				t.Fatal(err)
			}
			wantProof := BLAKE3Proof{Root: want, Index: index, Size: uint64(size), Chunk: append([]byte{}, chunkOf(msg, index)...), Path: append([]Hash{}, path...)}
			for workers := range 3 {
				got, err := ReadBLAKE3Proof(context.Background(), iotest.HalfReader(bytes.NewReader(msg)), index, workers)
				if err != nil || got.Verify(want) != nil || fmt.Sprint(got) != fmt.Sprint(wantProof) {
					t.Fatalf("chunk %d of %d bytes: %v, or another proof than BLAKE3Path's", index, size, err)
				}
			}
		}
		if _, err := ReadBLAKE3Proof(context.Background(), bytes.NewReader(msg), n, 1); !errors.Is(err, ErrIndexRange) {
			t.Errorf("chunk %d of %d bytes: %v", n, size, err)
		}
	}
}

func TestReadBLAKE3ProofErrors(t *testing.T) {
	broken := errors.New("broken")
	r := io.MultiReader(bytes.NewReader(blake3Message(3000)), iotest.ErrReader(broken))
	if _, err := ReadBLAKE3Proof(context.Background(), r, 0, 2); !errors.Is(err, broken) || !errors.Is(err, ErrLeafFile) || !contains(err.Error(), "after 3000 bytes") {
		t.Errorf("broken reader: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ReadBLAKE3Proof(ctx, bytes.NewReader(blake3Message(3000)), 0, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestBLAKE3ProofRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 40<<10).Draw(t, "size")
		index := rapid.Uint64Range(0, BLAKE3Chunks(uint64(size))-1).Draw(t, "index")
		p := someBLAKE3Proof(t, size, index)
		got, err := DecodeBLAKE3Proof(blake3ProofText(t, p))
		if err != nil || !reflect.DeepEqual(got.JSON(), p.JSON()) {
			t.Fatalf("got %+v, %v; want %+v", got, err, p)
		}
		if err := got.Verify(p.Root); err != nil {
			t.Fatal(err)
		}
		if err := got.Verify(Hash{}); !errors.Is(err, ErrRootMismatch) {
			t.Fatalf("against another root: %v", err)
		}
	})
}

// The keys are a contract with whoever reads the proof.
func TestBLAKE3ProofJSONKeys(t *testing.T) {
	want := `{"scheme":"blake3","root":"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262","index":0,"size":0,"chunk":"","path":[]}`
	if got := string(mustJSON(t, someBLAKE3Proof(t, 0, 0).JSON())); got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

func TestDecodeBLAKE3ProofErrors(t *testing.T) {
	good := string(mustJSON(t, someBLAKE3Proof(t, 3000, 1).JSON()))
	node := `"` + strings.Repeat("00", 32) + `"`
	for name, tc := range map[string]struct{ old, new, wantText string }{
		"nothing":       {good, "", "JSON object"},
		"cut short":     {good, good[:len(good)-1], "cut short"},
		"trailing":      {good, good + "{}", "follows"},
		"twice":         {`"size":3000`, `"size":3000,"size":3000`, "twice"},
		"missing":       {`"size":3000,`, ``, "missing: size"},
		"other case":    {`"size":3000`, `"Size":3000`, "missing: size"},
		"null":          {`"chunk":"`, `"chunk":null,"x":"`, "null"},
		"negative":      {`"index":1`, `"index":-1`, "index"},
		"above 64 bits": {`"size":3000`, `"size":18446744073709551616`, "size"},
		"scheme":        {`"blake3"`, `"plain-blake3"`, "scheme"},
		"bad root":      {`"root":"`, `"root":"0`, "64 hex digits"},
		"bad chunk":     {`"chunk":"`, `"chunk":"zz`, "key chunk"},
		"long chunk":    {`"chunk":"`, `"chunk":"00`, "at most 1024"},
		"short node":    {`"path":["`, `"path":["00","`, "node 0"},
		"path too long": {`"path":[`, `"path":[` + node + strings.Repeat(","+node, maxLevels) + `],"x":[`, "a proof has at most so many"},
	} {
		_, err := DecodeBLAKE3Proof([]byte(strings.Replace(good, tc.old, tc.new, 1)))
		if !errors.Is(err, ErrProofFormat) || !contains(err.Error(), tc.wantText) {
			t.Errorf("%s: got %v; want %q", name, err, tc.wantText)
		}
	}
}

// Whatever the bytes are, decoding and verifying ends without a panic, and what
// is accepted is written and read back the same.
func FuzzDecodeBLAKE3Proof(f *testing.F) {
	for _, size := range []int{0, 1, 1024, 1025, 5000} {
		f.Add(mustJSON(f, someBLAKE3Proof(f, size, BLAKE3Chunks(uint64(size))/2).JSON()))
	}
	f.Add([]byte(`{"scheme":"blake3","root":"","index":18446744073709551615,"size":18446744073709551615,"chunk":"","path":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodeBLAKE3Proof(data)
		if err != nil {
			if !errors.Is(err, ErrProofFormat) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		verified := p.Verify(p.Root)
		again := mustJSON(t, p.JSON())
		q, err := DecodeBLAKE3Proof(again)
		if err != nil || !bytes.Equal(mustJSON(t, q.JSON()), again) {
			t.Fatalf("%s is not read back the same: %v", again, err)
		}
		if (q.Verify(q.Root) == nil) != (verified == nil) {
			t.Fatalf("%s: verified %v, then %v", again, verified, q.Verify(q.Root))
		}
	})
}

// blake3ProofText is mustJSON where t is not a testing.TB.
func blake3ProofText(t fataler, p BLAKE3Proof) []byte {
	t.Helper()
	data, err := json.Marshal(p.JSON())
	if err != nil {
		t.Fatal(err)
	}
	return data
}
