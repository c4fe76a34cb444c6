package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/merkle"
)

// eightLeaves is the list of eight that the tests of RFC 6962 logs share, and
// eightLeafRoot its published root.
const (
	eightLeaves   = "\n00\n10\n2021\n3031\n40414243\n5051525354555657\n606162636465666768696a6b6c6d6e6f\n"
	eightLeafRoot = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
)

// sszChunks are five chunks that differ.
var sszChunks = func() string {
	var b strings.Builder
	for i := range 5 {
		b.WriteString(strings.Repeat(string(rune('A'+i)), 32))
	}
	return b.String()
}()

func TestMerkleProveSeveral(t *testing.T) {
	for name, tc := range map[string]struct {
		text, root, kind string
		args             []string
		leaves           []string
		says             string
	}{
		"multi":    {eightLeaves, eightLeafRoot, "multi", []string{"--index", "5,1,3"}, []string{"00", "2021", "40414243"}, "leaves 1, 3, 5 of 8 are under"},
		"repeated": {eightLeaves, eightLeafRoot, "multi", []string{"--index", "1", "--index", "0"}, []string{"", "00"}, "leaves 0, 1 of 8 are under"},
		"range":    {eightLeaves, eightLeafRoot, "range", []string{"--range", "2-4"}, []string{"10", "2021", "3031"}, "leaves 2 to 4 of 8 are under"},
		"one":      {eightLeaves, eightLeafRoot, "range", []string{"--range", "7-7"}, []string{"606162636465666768696a6b6c6d6e6f"}, "leaves 7 to 7 of 8"},
		"all":      {threeLeaves, threeLeafRoot, "range", []string{"--range", "0-2"}, []string{"", "00", "10"}, "leaves 0 to 2 of 3"},
		"bitcoin": {block100kTxids, block100kRoot, "multi", []string{"--index", "0,3", "--scheme", "bitcoin", "--reverse"},
			[]string{block100kTxids[:64], block100kTxids[195:259]}, "leaves 0, 3 of 4"},
	} {
		t.Run(name, func(t *testing.T) {
			proof := proveJSON(t, tc.text, tc.args...)
			var keys struct {
				Kind, Root string
				Leaves     []string
			}
			if err := json.Unmarshal([]byte(proof), &keys); err != nil || keys.Kind != tc.kind || keys.Root != tc.root || !slices.Equal(keys.Leaves, tc.leaves) {
				t.Fatalf("%v: %s", err, proof)
			}
			code, stdout, stderr := runMerkle(t, proof, "verify", "-", "--root", tc.root)
			if code != 0 || !strings.Contains(stdout, tc.says) || stderr != "" {
				t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
			}
			if got := runMerkleJSON(t, 0, proof, "verify", "-", "--root", tc.root); got["ok"] != true || got["kind"] != tc.kind {
				t.Errorf("%v", got)
			}
			if got := runMerkleJSON(t, 1, proof, "verify", "-", "--root", emptyRoot); got["ok"] != false || !strings.Contains(got["reason"].(string), "root does not match") {
				t.Errorf("another root: %v", got)
			}
			// A document of the library alone, without the command's own keys.
			bare := strings.Replace(proof, `"schema":"weir.merkle/1","kind":"`+tc.kind+`","leaf_kind":"hex",`, "", 1)
			if got := runMerkleJSON(t, 0, bare, "verify", "-", "--root", tc.root); bare == proof || got["kind"] != tc.kind {
				t.Errorf("bare: %v", got)
			}
			code, stdout, _ = runMerkle(t, tc.text, append([]string{"prove", "-"}, tc.args...)...)
			if code != 0 || strings.Count(stdout, "\nleaf  ") != len(tc.leaves) || !strings.Contains(stdout, "root    "+tc.root+"\n") {
				t.Errorf("text: exit code %d, %q", code, stdout)
			}
		})
	}
}

// Chunks are kept while a stream passes, in whatever pieces it comes.
func TestMerkleKeepsChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data")
		size := rapid.IntRange(1, 40).Draw(t, "size")
		want := rapid.SliceOfNDistinct(rapid.Uint64Range(0, 310), 1, 8, rapid.ID[uint64]).Draw(t, "want")
		want = append(want, 1<<63) // no stream has it
		slices.Sort(want)
		k := &chunkKeeper{r: iotest.OneByteReader(bytes.NewReader(data)), size: uint64(size), want: want}
		if rapid.Bool().Draw(t, "whole") {
			k.r = bytes.NewReader(data)
		}
		var passed bytes.Buffer
		if _, err := passed.ReadFrom(k); err != nil || !bytes.Equal(passed.Bytes(), data) {
			t.Fatalf("passed on %x, %v", passed.Bytes(), err)
		}
		var spec [][]byte
		for _, i := range want {
			if i < 1<<20 && int(i)*size < len(data) {
				spec = append(spec, data[int(i)*size:min(len(data), int(i+1)*size)])
			}
		}
		if !slices.EqualFunc(k.kept, spec, bytes.Equal) {
			t.Fatalf("kept %x; want %x", k.kept, spec)
		}
	})
}

func TestMerkleSeveralChunks(t *testing.T) {
	text := strings.Repeat("0123456789", 10)[:97]
	file := writeFile(t, "data", text)
	root := rootOf(t, text[:40], text[40:80], text[80:])
	other := writeFile(t, "other", text[:96]+"x")
	for _, args := range [][]string{{"--index", "0,2"}, {"--range", "1-2"}, {"--range", "0-2"}} {
		_, proof, _ := runMerkle(t, "", append([]string{"prove", "--chunk", "40", "--json", file}, args...)...)
		for code, content := range []string{file, other} {
			got := runMerkleJSON(t, code, proof, "verify", "-", "--root", root, "--chunk", "40", "--content", content)
			if got["ok"] != (code == 0) || code == 1 && got["reason"] != "the leaves are not the content of "+other {
				t.Errorf("%v, %s: %v", args, content, got)
			}
		}
	}
	dir := writeTree(t, map[string]string{"b": "two", "a/c": "one", "a-b": ""})
	code, proof, stderr := runMerkle(t, "", "prove", "--dir", "--path", "b", "--path", "a-b", "--json", dir)
	if code != 0 {
		t.Fatal(stderr)
	}
	got := runMerkleJSON(t, 0, proof, "verify", "-", "--dir", "--root", rootOf(t, entry("a-b", ""), entry("a/c", "one"), entry("b", "two")))
	if files, _ := got["files"].([]any); len(files) != 2 || files[0].(map[string]any)["path"] != "a-b" || files[1].(map[string]any)["path"] != "b" {
		t.Errorf("%v", got)
	}
}

// The proof of an SSZ list leads to its hash_tree_root, also as a branch of the
// consensus specification: the path, and then the length.
func TestMerkleSSZList(t *testing.T) {
	file := writeFile(t, "chunks", sszChunks)
	chunks, err := merkle.Root(t.Context(), merkle.SSZLimit(1024), merkle.Nodes([]byte(sszChunks)), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		flag   string
		length uint64
	}{{"--mix-in-length", 5}, {"--mix-in-length=5", 5}, {"--mix-in-length=17", 17}, {"--mix-in-length=1025", 1025}} {
		list := merkle.MixInLength(chunks, tc.length)
		want := hex.EncodeToString(list[:])
		base := []string{"--scheme", "ssz:1024", "--chunk", "32", tc.flag, file}
		got := runMerkleJSON(t, 0, "", append([]string{"root"}, base...)...)
		if got["root"] != want || got["mix_in_length"] != float64(tc.length) || got["chunks_root"] != hex.EncodeToString(chunks[:]) {
			t.Errorf("%s: %v; want root %s", tc.flag, got, want)
		}
		for _, which := range [][]string{{"--index", "1"}, {"--index", "0,4"}, {"--range", "1-3"}} {
			_, proof, stderr := runMerkle(t, "", append(append([]string{"prove", "--json"}, which...), base...)...)
			if got := runMerkleJSON(t, 0, proof, "verify", "-", "--root", want); got["ok"] != true || got["mix_in_length"] != float64(tc.length) {
				t.Errorf("%s %v: %v %s", tc.flag, which, got, stderr)
			}
			if len(which) == 2 && which[1] == "1" {
				checkBranch(t, proof, list, tc.length)
			}
		}
	}
	got := runMerkleJSON(t, 0, "", "root", "--scheme", "ssz:1024", "--mix-in-length=0", "-")
	empty := merkle.MixInLength(merkle.SSZLimit(1024).EmptyRoot(), 0)
	if got["root"] != hex.EncodeToString(empty[:]) || got["mix_in_length"] != 0. {
		t.Errorf("empty list: %v", got)
	}
}

func checkBranch(t *testing.T, proof string, root merkle.Hash, length uint64) {
	t.Helper()
	p, _, err := merkle.DecodeProof([]byte(proof))
	if err != nil {
		t.Fatal(err)
	}
	var mixed merkle.Hash
	mixed[0], mixed[1] = byte(length), byte(length>>8)
	gindex, err := merkle.GeneralizedIndex(len(p.Path)+1, p.Index)
	if err == nil {
		err = merkle.VerifyGeneralized(root, merkle.Hash(p.Leaf), gindex, append(p.Path, mixed))
	}
	if err != nil {
		t.Error(err)
	}
}

func TestMerkleConsistency(t *testing.T) {
	lines := strings.SplitAfter(eightLeaves, "\n")[:8]
	for old := 1; old <= 8; old++ {
		oldRoot := runMerkleJSON(t, 0, strings.Join(lines[:old], ""), "root", "-")["root"].(string)
		proof := proveJSON(t, eightLeaves, "--consistency", fmt.Sprint(old))
		args := []string{"verify", "-", "--root", eightLeafRoot, "--old-root", oldRoot}
		got := runMerkleJSON(t, 0, proof, args...)
		if got["ok"] != true || got["old_size"] != float64(old) || got["size"] != 8. || got["kind"] != "consistency" || len(got["warnings"].([]any)) != 0 {
			t.Errorf("from %d: %v", old, got)
		}
		for _, wrong := range [][]string{
			{"verify", "-", "--root", emptyRoot, "--old-root", oldRoot},
			{"verify", "-", "--root", eightLeafRoot, "--old-root", emptyRoot},
		} {
			if got := runMerkleJSON(t, 1, proof, wrong...); got["ok"] != false || !strings.Contains(got["reason"].(string), "root does not match") {
				t.Errorf("from %d: %v", old, got)
			}
		}
		code, stdout, stderr := runMerkle(t, proof, "verify", "-")
		if code != 0 || !strings.Contains(stdout, fmt.Sprintf("valid: the %d leaves under %s are the first of the 8 under root", old, oldRoot)) ||
			!strings.Contains(stderr, "--old-root") || strings.Count(stderr, "warning") != 2 {
			t.Errorf("from %d: exit code %d, %q, %q", old, code, stdout, stderr)
		}
	}
	code, stdout, _ := runMerkle(t, eightLeaves, "prove", "--consistency", "3", "-")
	if code != 0 || !strings.Contains(stdout, "old     "+threeLeafRoot+", 3 leaves\nroot    "+eightLeafRoot+", 8 leaves\npath  0 ") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	data := writeFile(t, "data", strings.Repeat("x", 100))
	proof := runMerkleJSON(t, 0, "", "prove", "--consistency", "4", "--chunk", "20", data)
	if proof["old_size"] != 4. || proof["leaf_kind"] != "chunk" {
		t.Errorf("%v", proof)
	}
	dir := writeTree(t, map[string]string{"a": "x", "b": "y"})
	if proof := runMerkleJSON(t, 0, "", "prove", "--consistency", "1", "--dir", dir); proof["old_root"] != rootOf(t, entry("a", "x")) {
		t.Errorf("%v", proof)
	}
}
