package merkle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func someProof(t testing.TB, s *Scheme, n int, index uint64) Proof {
	t.Helper()
	p, err := NewBuilder(s, 1).Proof(context.Background(), someLeaves(s, n), index)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encode(t testing.TB, p Proof, reversed bool) []byte {
	t.Helper()
	data, err := json.Marshal(p.JSON(reversed))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestProofRoundTrip(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		for _, n := range []int{1, 2, 3, 7, 100} {
			for _, reversed := range []bool{false, s.HasDisplayOrder()} {
				p := someProof(t, s, n, uint64(n-1))
				data := encode(t, p, reversed)
				got, gotReversed, err := DecodeProof(data)
				if err != nil || gotReversed != reversed {
					t.Fatalf("%s: %v, reversed %v", data, err, gotReversed)
				}
				if !reflect.DeepEqual(got.JSON(reversed), p.JSON(reversed)) {
					t.Errorf("got %+v; want %+v", got, p)
				}
				if err := got.Verify(p.Root); err != nil {
					t.Errorf("decoded proof: %v", err)
				}
			}
		}
	})
}

// The keys are a contract with whoever reads the proof.
func TestProofJSONKeys(t *testing.T) {
	p := someProof(t, Bitcoin, 1, 0)
	p.Leaf[0], p.Root[0] = 0xAB, 0xCD
	want := `{"scheme":"bitcoin","root":"ROOT","index":0,"size":1,"leaf":"LEAF","path":[],"reversed":true}`
	want = strings.Replace(want, "ROOT", FormatBytes(p.Root[:], true), 1)
	want = strings.Replace(want, "LEAF", FormatBytes(p.Leaf, true), 1)
	if got := string(encode(t, p, true)); got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	if text := FormatBytes(p.Leaf, true); !strings.HasSuffix(text, "ab") {
		t.Errorf("display order must end with the first byte: %s", text)
	}
}

func TestDecodeProofErrors(t *testing.T) {
	good := string(encode(t, someProof(t, RFC6962, 5, 2), false))
	if _, _, err := DecodeProof([]byte(" " + good + "\n")); err != nil {
		t.Fatalf("%s: %v", good, err)
	}
	if _, _, err := DecodeProof([]byte(strings.Replace(good, "{", `{"more":{"root":1},`, 1))); err != nil {
		t.Errorf("an unknown key: %v", err)
	}
	long := `["` + strings.Repeat("00", 32) + `"` + strings.Repeat(`,"`+strings.Repeat("00", 32)+`"`, 64) + `]`
	for name, tc := range map[string]struct{ old, new, wantText string }{
		"nothing":        {good, "", "JSON object"},
		"an array":       {good, "[]", "JSON object"},
		"cut short":      {good, good[:len(good)-1], "cut short"},
		"cut at a key":   {good, good[:20], "cut short"},
		"cut in a value": {good, good[:40], "root"},
		"trailing":       {good, good + "{}", "follows"},
		"twice":          {`"index":2`, `"index":2,"index":2`, "twice"},
		"missing":        {`"index":2,`, ``, "missing: index"},
		"other case":     {`"index"`, `"Index"`, "missing: index"},
		"null":           {`"index":2`, `"index":null`, "null"},
		"negative":       {`"index":2`, `"index":-1`, "index"},
		"fraction":       {`"index":2`, `"index":2.5`, "index"},
		"text":           {`"size":5`, `"size":"5"`, "size"},
		"above 64 bits":  {`"size":5`, `"size":18446744073709551616`, "size"},
		"scheme":         {`"rfc6962"`, `"rfc9162"`, "use one of"},
		"odd hex":        {`"root":"`, `"root":"0`, "64 hex digits"},
		"bad hex":        {`"leaf":"`, `"leaf":"zz`, "leaf"},
		"odd leaf":       {`"leaf":"`, `"leaf":"0`, "leaf"},
		"short node":     {`"path":["`, `"path":["00","`, "node 0"},
		"null node":      {`"path":["`, `"path":[null,"`, "node 0"},
		"path too long":  {`"path":[`, `"path":` + long + `,"x":[`, "a proof has at most so many"},
		"no limit":       {`"rfc6962"`, `"ssz:"`, "decimal number"},
		"limit again":    {`"rfc6962"`, `"ssz:08"`, "decimal number"},
		"large limit":    {`"rfc6962"`, `"ssz:18446744073709551616"`, "decimal number"},
		"display order":  {`"reversed":false`, `"reversed":true`, "no display order"},
	} {
		text := strings.Replace(good, tc.old, tc.new, 1)
		_, _, err := DecodeProof([]byte(text))
		if !errors.Is(err, ErrProofFormat) || !contains(err.Error(), tc.wantText) {
			t.Errorf("%s: got %v; want %q", name, err, tc.wantText)
		}
	}
	ssz := strings.Replace(string(encode(t, someProof(t, SSZ, 3, 1), false)), `"reversed":false`, `"reversed":true`, 1)
	if _, _, err := DecodeProof([]byte(ssz)); !errors.Is(err, ErrProofFormat) || !contains(err.Error(), "no display order") {
		t.Errorf("an SSZ proof back to front: %v", err)
	}
	short := strings.Replace(string(encode(t, someProof(t, Bitcoin, 1, 0), false)), `"leaf":"`, `"leaf":"00`, 1)
	if _, _, err := DecodeProof([]byte(short)); !errors.Is(err, ErrProofFormat) || !errors.Is(err, ErrLeafSize) {
		t.Errorf("bitcoin leaf of 33 bytes: %v", err)
	}
}

// Whatever the bytes are, decoding and verifying ends without a panic, and what
// is accepted is written and read back the same.
func FuzzDecodeProof(f *testing.F) {
	for _, s := range Schemes() {
		for _, n := range []int{1, 2, 3, 7} {
			f.Add(encode(f, someProof(f, s, n, uint64(n/2)), s.HasDisplayOrder()))
		}
	}
	f.Add(encode(f, someProof(f, SSZLimit(1<<40), 3, 2), false))
	f.Add([]byte(`{"scheme":"rfc6962","root":"","index":0,"size":0,"leaf":"","path":[]}`))
	f.Add([]byte(`{"path":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, reversed, err := DecodeProof(data)
		if err != nil {
			if !errors.Is(err, ErrProofFormat) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		verified := p.Verify(p.Root)
		again := encode(t, p, reversed)
		q, _, err := DecodeProof(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if !bytes.Equal(encode(t, q, reversed), again) {
			t.Fatalf("%s is not read back the same", again)
		}
		if (q.Verify(q.Root) == nil) != (verified == nil) {
			t.Fatalf("%s: verified %v, then %v", again, verified, q.Verify(q.Root))
		}
	})
}
