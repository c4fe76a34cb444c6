package merkle

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func someMultiProof(t fataler, s *Scheme, n int, indices ...uint64) MultiProof {
	t.Helper()
	leaves := someLeaves(s, n)
	tree := mustBuild(t, s, leaves)
	path, err := tree.MultiPath(indices)
	if err != nil {
		t.Fatal(err)
	}
	return MultiProof{
		Scheme: s, Root: tree.Root(), Size: tree.Size(), Indices: indices, Leaves: picked(leaves, indices), Path: path,
	}
}

func someRangeProof(t fataler, s *Scheme, n int, first, count uint64) RangeProof {
	t.Helper()
	leaves := someLeaves(s, n)
	tree := mustBuild(t, s, leaves)
	path, err := tree.RangePath(first, count)
	if err != nil {
		t.Fatal(err)
	}
	return RangeProof{
		Scheme: s, Root: tree.Root(), First: first, Size: tree.Size(), Leaves: leaves[first : first+count], Path: path,
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestMultiProofRoundTrip(t *testing.T) {
	eachProofScheme(t, func(t *testing.T, s *Scheme) {
		for _, reversed := range []bool{false, s.HasDisplayOrder()} {
			for _, p := range []MultiProof{
				someMultiProof(t, s, 1, 0), someMultiProof(t, s, 7, 2, 3, 6), someMultiProof(t, s, 100, 0, 99),
			} {
				got, gotReversed, err := DecodeMultiProof(mustJSON(t, p.JSON(reversed)))
				if err != nil || gotReversed != reversed || !reflect.DeepEqual(got.JSON(reversed), p.JSON(reversed)) {
					t.Fatalf("got %+v, reversed %v, %v; want %+v", got, gotReversed, err, p)
				}
				if err := got.Verify(p.Root); err != nil {
					t.Errorf("decoded proof: %v", err)
				}
				if err := got.Verify(Hash{}); !errors.Is(err, ErrRootMismatch) {
					t.Errorf("against another root: %v", err)
				}
			}
			p := someRangeProof(t, s, 100, 33, 20)
			got, gotReversed, err := DecodeRangeProof(mustJSON(t, p.JSON(reversed)))
			if err != nil || gotReversed != reversed || !reflect.DeepEqual(got.JSON(reversed), p.JSON(reversed)) {
				t.Fatalf("got %+v, reversed %v, %v; want %+v", got, gotReversed, err, p)
			}
			if err := got.Verify(p.Root); err != nil {
				t.Errorf("decoded proof: %v", err)
			}
			if err := got.Verify(Hash{}); !errors.Is(err, ErrRootMismatch) {
				t.Errorf("against another root: %v", err)
			}
		}
	})
}

// The keys are a contract with whoever reads the proof.
func TestMultiProofJSONKeys(t *testing.T) {
	multi, ranged := someMultiProof(t, Bitcoin, 1, 0), someRangeProof(t, Bitcoin, 1, 0, 1)
	node := FormatBytes(multi.Root[:], true)
	for want, got := range map[string][]byte{
		`{"scheme":"bitcoin","root":"` + node + `","size":1,"indices":[0],"leaves":["` + node + `"],"path":[],"reversed":true}`: mustJSON(t, multi.JSON(true)),
		`{"scheme":"bitcoin","root":"` + node + `","first":0,"size":1,"leaves":["` + node + `"],"path":[],"reversed":true}`:     mustJSON(t, ranged.JSON(true)),
	} {
		if string(got) != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
}

func TestDecodeMultiProofErrors(t *testing.T) {
	t.Parallel()
	multi := string(mustJSON(t, someMultiProof(t, RFC6962, 7, 2, 3, 6).JSON(false)))
	ranged := string(mustJSON(t, someRangeProof(t, RFC6962, 7, 2, 3).JSON(false)))
	node := `"` + strings.Repeat("00", 32) + `"`
	long := node + strings.Repeat(","+node, 3*maxLevels)
	manyLeaves := `""` + strings.Repeat(`,""`, maxProofLeaves)
	for name, tc := range map[string]struct{ text, old, new, wantText string }{
		"nothing":         {multi, multi, "", "JSON object"},
		"cut short":       {multi, multi, multi[:len(multi)-1], "cut short"},
		"trailing":        {multi, multi, multi + "{}", "follows"},
		"twice":           {multi, `"size":7`, `"size":7,"size":7`, "twice"},
		"missing":         {multi, `"size":7,`, ``, "missing: size"},
		"null":            {multi, `"indices":[2,3,6]`, `"indices":null`, "null"},
		"negative":        {multi, `[2,3,6]`, `[-2,3,6]`, "indices"},
		"above 64 bits":   {multi, `[2,3,6]`, `[2,3,18446744073709551616]`, "indices"},
		"many indices":    {multi, `[2,3,6]`, `[0` + strings.Repeat(",0", maxProofLeaves) + `]`, "at most"},
		"many leaves":     {multi, `"leaves":[`, `"leaves":[` + manyLeaves + `],"x":[`, "at most"},
		"scheme":          {multi, `"rfc6962"`, `"none"`, "use one of"},
		"bad root":        {multi, `"root":"`, `"root":"0`, "64 hex digits"},
		"bad leaf":        {multi, `"leaves":["`, `"leaves":["0`, "leaf 0"},
		"short node":      {multi, `"path":["`, `"path":["00","`, "node 0"},
		"path too long":   {multi, `"path":[`, `"path":[` + long + `],"x":[`, "no tree is higher"},
		"display order":   {multi, `"reversed":false`, `"reversed":true`, "no display order"},
		"range: negative": {ranged, `"first":2`, `"first":-2`, "first"},
		"range: missing":  {ranged, `"first":2,`, ``, "missing: first"},
		"range: bad leaf": {ranged, `"leaves":["`, `"leaves":["zz`, "leaf 0"},
		"range: trailing": {ranged, ranged, ranged + "x", "follows"},
	} {
		text := strings.Replace(tc.text, tc.old, tc.new, 1)
		var err error
		if tc.text == multi {
			_, _, err = DecodeMultiProof([]byte(text))
		} else {
			_, _, err = DecodeRangeProof([]byte(text))
		}
		if !errors.Is(err, ErrProofFormat) || !contains(err.Error(), tc.wantText) {
			t.Errorf("%s: got %v; want %q", name, err, tc.wantText)
		}
	}
	short := strings.Replace(string(mustJSON(t, someMultiProof(t, Bitcoin, 1, 0).JSON(false))), `"leaves":["`, `"leaves":["00`, 1)
	if _, _, err := DecodeMultiProof([]byte(short)); !errors.Is(err, ErrProofFormat) || !errors.Is(err, ErrLeafSize) {
		t.Errorf("bitcoin leaf of 33 bytes: %v", err)
	}
}

// Whatever the bytes are, decoding and verifying ends without a panic, and what
// is accepted is written and read back the same.
func FuzzDecodeMultiProof(f *testing.F) {
	for _, s := range Schemes() {
		f.Add(mustJSON(f, someMultiProof(f, s, 1, 0).JSON(s.HasDisplayOrder())))
		f.Add(mustJSON(f, someMultiProof(f, s, 7, 2, 3, 6).JSON(false)))
	}
	f.Add([]byte(`{"scheme":"rfc6962","root":"","size":0,"indices":[],"leaves":[],"path":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, reversed, err := DecodeMultiProof(data)
		if err != nil {
			if !errors.Is(err, ErrProofFormat) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		verified := p.Verify(p.Root)
		again := mustJSON(t, p.JSON(reversed))
		q, _, err := DecodeMultiProof(again)
		if err != nil || !bytes.Equal(mustJSON(t, q.JSON(reversed)), again) {
			t.Fatalf("%s is not read back the same: %v", again, err)
		}
		if (q.Verify(q.Root) == nil) != (verified == nil) {
			t.Fatalf("%s: verified %v, then %v", again, verified, q.Verify(q.Root))
		}
	})
}

func FuzzDecodeRangeProof(f *testing.F) {
	for _, s := range Schemes() {
		f.Add(mustJSON(f, someRangeProof(f, s, 1, 0, 1).JSON(s.HasDisplayOrder())))
		f.Add(mustJSON(f, someRangeProof(f, s, 7, 2, 4).JSON(false)))
	}
	f.Add([]byte(`{"scheme":"rfc6962","root":"","size":0,"first":0,"leaves":[],"path":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, reversed, err := DecodeRangeProof(data)
		if err != nil {
			if !errors.Is(err, ErrProofFormat) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		verified := p.Verify(p.Root)
		again := mustJSON(t, p.JSON(reversed))
		q, _, err := DecodeRangeProof(again)
		if err != nil || !bytes.Equal(mustJSON(t, q.JSON(reversed)), again) {
			t.Fatalf("%s is not read back the same: %v", again, err)
		}
		if (q.Verify(q.Root) == nil) != (verified == nil) {
			t.Fatalf("%s: verified %v, then %v", again, verified, q.Verify(q.Root))
		}
	})
}

// A range holds exactly if the multi-proof of the same leaves does, whatever the
// path and the sizes are.
func FuzzRangeIsMulti(f *testing.F) {
	f.Add(uint64(2), uint64(7), uint8(3), []byte("path"), true)
	f.Add(uint64(8), uint64(6), uint8(0), []byte{}, false)
	f.Add(uint64(1<<63), uint64(1<<63+5), uint8(4), []byte{}, false)
	f.Fuzz(func(t *testing.T, first, size uint64, count uint8, seed []byte, bitcoin bool) {
		s := RFC6962
		if bitcoin {
			s = Bitcoin
		}
		n := int(count % 20)
		nodes := make([]byte, n*HashSize)
		for i := range nodes {
			if len(seed) > 0 {
				nodes[i] = seed[i%len(seed)]
			}
		}
		path := make([]Hash, min(len(seed), 2*maxLevels))
		for i := range path {
			path[i][0] = seed[i]
		}
		ranged := VerifyRange(s, Hash{}, Nodes(nodes), first, size, path)
		indices := indicesOf(first, uint64(n))
		multi := VerifyMulti(s, Hash{}, Nodes(nodes), indices, size, path)
		if (ranged == nil) != (multi == nil) {
			t.Fatalf("range: %v; multi: %v", ranged, multi)
		}
		if first > first+uint64(n) { // then the indices do not rise either
			return
		}
		if !errors.Is(ranged, sentinel(multi)) {
			t.Fatalf("range: %v; multi: %v", ranged, multi)
		}
	})
}

// No element of a list may be null: it would be read as an empty leaf or as 0.
// Lists that are too long, or of what is no node, end the reading at once.
func TestDecodersRefuseElements(t *testing.T) {
	root := strings.Repeat("00", HashSize)
	head := `{"scheme":"rfc6962","root":"` + root + `","size":2,`
	multi := func(text string) error { _, _, err := DecodeMultiProof([]byte(head + text + "}")); return err }
	ranged := func(text string) error { _, _, err := DecodeRangeProof([]byte(head + text + "}")); return err }
	single := func(text string) error { _, _, err := DecodeProof([]byte(head + text + "}")); return err }
	long := `["` + root + strings.Repeat(`","`+root, 2*maxLevels) + `"]`
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"multi, index":       {multi(`"indices":[null,1],"leaves":["","01"],"path":[]`), `"indices": index 0 is null`},
		"multi, leaf":        {multi(`"indices":[0,1],"leaves":["",null],"path":[]`), `"leaves": leaf 1 is null`},
		"range, leaf":        {ranged(`"first":0,"leaves":[null,"01"],"path":[]`), `"leaves": leaf 0 is null`},
		"range, node":        {ranged(`"first":0,"leaves":["01"],"path":[null]`), `"path": node 0 is null`},
		"range, path":        {ranged(`"first":0,"leaves":["01"],"path":` + long), "more than 128;"},
		"single, node":       {single(`"index":0,"leaf":"01","path":["",""]`), "node 0: a node is 64 hex digits"},
		"single, path":       {single(`"index":0,"leaf":"01","path":` + long), "more than 64;"},
		"single, no list":    {single(`"index":0,"leaf":"01","path":"` + root + `"`), "not an array"},
		"single, unfinished": {single(`"index":0,"leaf":"01","path":["` + root + `"`), "path"},
	} {
		if !errors.Is(c.err, ErrProofFormat) || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v; want %s", name, c.err, c.want)
		}
	}
}
