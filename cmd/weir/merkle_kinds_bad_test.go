package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/chainweir/weir/merkle"
)

// What is asked for wrongly is refused with exit code 2, the value and the remedy.
func TestMerkleKindsErrors(t *testing.T) {
	chunks := writeFile(t, "chunks", sszChunks)
	dir := writeTree(t, map[string]string{"a": "x"})
	ssz := []string{"--chunk", "32", chunks, "--scheme"}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"nothing to prove":     {[]string{"prove", "-"}, "got none"},
		"two ways":             {[]string{"prove", "--index", "1", "--range", "1-2", "-"}, "got --index and --range"},
		"index and growth":     {[]string{"prove", "--index", "1", "--consistency", "1", "-"}, "got --index and --consistency"},
		"index twice":          {[]string{"prove", "--index", "1,2,1", "-"}, "--index 1 comes twice"},
		"index gap":            {[]string{"prove", "--index", "1,,2", "-"}, `--index: "" is not`},
		"no index":             {[]string{"prove", "--index", "", "-"}, "names 0 leaves"},
		"index word":           {[]string{"prove", "--index", "1,x", "-"}, `"x" is not`},
		"index sign":           {[]string{"prove", "--index", "+1", "-"}, `"+1" is not`},
		"index zeros":          {[]string{"prove", "--index", "01", "-"}, `"01" is not`},
		"index above 64 bits":  {[]string{"prove", "--index", "18446744073709551616", "-"}, "2^64-1"},
		"index outside":        {[]string{"prove", "--index", "1,8", "-"}, "leaf 8 of 8; the last one is 7"},
		"largest index":        {[]string{"prove", "--index", "18446744073709551615", "--chunk", "4", chunks}, "leaf 18446744073709551615 of 40"},
		"range one end":        {[]string{"prove", "--range", "1", "-"}, `--range "1": give the first and the last`},
		"range open":           {[]string{"prove", "--range", "1-", "-"}, `--range "1-"`},
		"range of three":       {[]string{"prove", "--range", "1-2-3", "-"}, `--range "1-2-3"`},
		"range down":           {[]string{"prove", "--range", "4-2", "-"}, "write 2-4"},
		"range outside":        {[]string{"prove", "--range", "4-8", "-"}, "5 leaves from 4 of 8; the last one is 7"},
		"range past":           {[]string{"prove", "--range", "8-9", "-"}, "leaf 8 of 8"},
		"range long":           {[]string{"prove", "--range", "0-1048576", "-"}, "at most 1048576"},
		"range of everything":  {[]string{"prove", "--range", "0-18446744073709551615", "-"}, "at most 1048576"},
		"range of big chunks":  {[]string{"prove", "--range", "0-9", "--chunk", "16777216", "-"}, "prove fewer at a time"},
		"path twice":           {[]string{"prove", "--dir", "--path", "a", "--path", "a", dir}, "file 0 of the directory comes twice"},
		"growth from 0":        {[]string{"prove", "--consistency", "0", "-"}, "--consistency 0: every list"},
		"growth down":          {[]string{"prove", "--consistency", "9", "-"}, "9 leaves cannot be the beginning of 8"},
		"growth of bitcoin":    {[]string{"prove", "--consistency", "1", "--scheme", "bitcoin", "-"}, "no consistency proofs: bitcoin; use --scheme rfc6962"},
		"growth of ssz":        {[]string{"prove", "--consistency", "1", "--scheme", "ssz:8", "-"}, "ssz:8; use --scheme rfc6962"},
		"growth, negative":     {[]string{"prove", "--consistency", "-1", "-"}, "-1"},
		"length of no list":    {append([]string{"root", "--mix-in-length"}, append(ssz, "ssz")...), "use --scheme ssz:LIMIT and not ssz"},
		"length of rfc6962":    {[]string{"root", "--mix-in-length", "-"}, "use --scheme ssz:LIMIT"},
		"length word":          {append([]string{"root", "--mix-in-length=five"}, append(ssz, "ssz:8")...), "--mix-in-length=five"},
		"length empty":         {append([]string{"root", "--mix-in-length="}, append(ssz, "ssz:8")...), "--mix-in-length="},
		"length apart":         {append([]string{"root", "--mix-in-length", "5"}, append(ssz, "ssz:8")...), "takes one FILE"},
		"length too short":     {append([]string{"root", "--mix-in-length=4"}, append(ssz, "ssz:8")...), "=4: no SSZ list of so many elements has 5 chunks"},
		"length too long":      {append([]string{"prove", "--index", "0", "--mix-in-length=1281"}, append(ssz, "ssz:8")...), "=1281: no SSZ list"},
		"length between":       {append([]string{"root", "--mix-in-length=161"}, append(ssz, "ssz:8")...), "=161: no SSZ list"},
		"length 0":             {append([]string{"root", "--mix-in-length=0"}, append(ssz, "ssz:8")...), "=0: no SSZ list"},
		"longest":              {append([]string{"root", "--mix-in-length=18446744073709551615"}, append(ssz, "ssz:8")...), "no SSZ list"},
		"above the limit":      {append([]string{"root"}, append(ssz, "ssz:4")...), "ssz:4 takes at most 4"},
		"limit":                {append([]string{"root"}, append(ssz, "ssz:x")...), "as in ssz:1024"},
		"directory":            {[]string{"root", dir}, "is a directory; its files are leaves with root --dir"},
		"directory of chunks":  {[]string{"root", "--chunk", "4", dir}, "is a directory"},
		"blake3 of lines":      {[]string{"root", "--scheme", "blake3", "--hex", "-"}, "leave --hex out"},
		"blake3 of a dir":      {[]string{"root", "--scheme", "blake3", "--dir", dir}, "leave --dir out"},
		"blake3 of chunks":     {[]string{"root", "--scheme", "blake3", "--chunk", "4096", "-"}, "chunks of blake3 have 1024 bytes"},
		"blake3 reversed":      {[]string{"root", "--scheme", "blake3", "--reverse", "-"}, "leave it out"},
		"blake3, length":       {[]string{"root", "--scheme", "blake3", "--mix-in-length", "-"}, "use --scheme ssz:LIMIT"},
		"blake3, workers":      {[]string{"root", "--scheme", "blake3", "--workers", "-1", "-"}, "--workers -1"},
		"blake3, several":      {[]string{"prove", "--scheme", "blake3", "--index", "0,1", "-"}, "one chunk at a time"},
		"blake3, range":        {[]string{"prove", "--scheme", "blake3", "--range", "0-1", "-"}, "one chunk at a time"},
		"blake3, growth":       {[]string{"prove", "--scheme", "blake3", "--consistency", "1", "-"}, "one chunk at a time"},
		"blake3, index":        {[]string{"prove", "--scheme", "blake3", "--index", "1", chunks}, "leaf 1 of 1; the last one is 0"},
		"blake3, no file":      {[]string{"root", "--scheme", "blake3", "/nowhere/f"}, "/nowhere/f"},
		"blake3, a folder":     {[]string{"root", "--scheme", "blake3", os.TempDir()}, "directory"},
		"verify: two proofs":   {[]string{"verify", "p", "--proof", "p"}, "give one proof"},
		"verify: no such file": {[]string{"verify", "/nowhere/p"}, "/nowhere/p"},
	} {
		code, stdout, stderr := runMerkle(t, eightLeaves, tc.args...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: exit code %d, %q, %q; want %q", name, code, stdout, stderr, tc.want)
		}
	}
}

// A document that is changed anywhere is refused: with exit code 2 where it is no
// proof, with 1 where it is one that does not hold.
func TestMerkleVerifyKindsRefuses(t *testing.T) {
	chunks := writeFile(t, "chunks", sszChunks)
	multi := proveJSON(t, eightLeaves, "--index", "1,3")
	ranged := proveJSON(t, eightLeaves, "--range", "2-4")
	grew := proveJSON(t, eightLeaves, "--consistency", "3")
	_, list, _ := runMerkle(t, "", "prove", "--scheme", "ssz:8", "--chunk", "32", "--mix-in-length=9", "--index", "1", "--json", chunks)
	_, blake3, _ := runMerkle(t, "", "prove", "--scheme", "blake3", "--index", "0", "--json", chunks)
	node := `"` + emptyRoot + `"`
	for name, tc := range map[string]struct {
		proof, old, new string
		code            int
		want            string
		args            []string
	}{
		"multi: leaf":           {multi, `"leaves":["00"`, `"leaves":["01"`, 1, "root does not match", nil},
		"multi: order":          {multi, `[1,3]`, `[3,1]`, 1, "indices do not rise", nil},
		"multi: twice":          {multi, `[1,3]`, `[3,3]`, 1, "indices do not rise", nil},
		"multi: outside":        {multi, `[1,3]`, `[1,8]`, 1, "outside the tree", nil},
		"multi: fewer":          {multi, `[1,3]`, `[1]`, 1, "number of leaves does not fit", nil},
		"multi: none":           {multi, `[1,3],"leaves":["00","2021"]`, `[],"leaves":[]`, 2, "0 leaves", nil},
		"multi: size":           {multi, `"size":8`, `"size":9`, 1, "path has the wrong length", nil},
		"multi: longer":         {multi, `"path":[`, `"path":[` + node + `,`, 1, "path has the wrong length", nil},
		"multi: kind":           {multi, `"kind":"multi"`, `"kind":"range"`, 2, "several kinds", nil},
		"multi: unknown kind":   {multi, `"kind":"multi"`, `"kind":"many"`, 2, `"many"`, nil},
		"multi: kind twice":     {multi, `"kind":"multi"`, `"kind":"multi","kind":"multi"`, 2, "twice", nil},
		"multi: kind null":      {multi, `"kind":"multi"`, `"kind":null`, 2, "null", nil},
		"multi: two kinds":      {multi, `"size":8`, `"size":8,"first":1`, 2, "several kinds", nil},
		"multi: schema":         {multi, `weir.merkle/1`, `weir.merkle/2`, 2, `"weir.merkle/2"`, nil},
		"multi: trailing":       {multi, "}\n", "}{}\n", 2, "follows", nil},
		"multi: content":        {multi, "", "", 2, "say with --chunk N", []string{"--content", chunks}},
		"multi: old root":       {multi, "", "", 2, "--old-root is of consistency proofs", []string{"--old-root", eightLeafRoot}},
		"multi: scheme":         {multi, "", "", 2, "the proof is of scheme rfc6962", []string{"--scheme", "cometbft"}},
		"multi: as a list":      {multi, `"size":8`, `"size":8,"mix_in_length":2`, 2, "are of SSZ lists", nil},
		"range: first":          {ranged, `"first":2`, `"first":3`, 1, "root does not match", nil},
		"range: past the end":   {ranged, `"first":2`, `"first":6`, 1, "outside the tree", nil},
		"range: wraps":          {ranged, `"first":2`, `"first":18446744073709551615`, 1, "outside the tree", nil},
		"range: leaf":           {ranged, `"2021"`, `"2022"`, 1, "root does not match", nil},
		"range: more":           {ranged, `"3031"`, `"3031","00"`, 1, "wrong length", nil},
		"range: file entries":   {ranged, "", "", 1, "not the entry of a file", []string{"--dir"}},
		"growth: old size":      {grew, `"old_size":3`, `"old_size":2`, 1, "path has the wrong length", nil},
		"growth: 0":             {grew, `"old_size":3`, `"old_size":0`, 1, "tree size is 0", nil},
		"growth: down":          {grew, `"old_size":3`, `"old_size":9`, 1, "tree sizes do not fit", nil},
		"growth: size":          {grew, `"size":8`, `"size":16`, 1, "path has the wrong length", nil},
		"growth: old root":      {grew, threeLeafRoot, emptyRoot, 1, "root does not match", nil},
		"growth: no old root":   {grew, `"old_root":"` + threeLeafRoot + `",`, "", 2, "missing: old_root", nil},
		"growth: short root":    {grew, threeLeafRoot, "00", 2, "key old_root", nil},
		"growth: node":          {grew, `"path":["`, `"path":["00`, 2, "node 0", nil},
		"growth: path":          {grew, `"path":[`, `"path":[` + strings.Repeat(node+",", 66), 2, "no consistency proof", nil},
		"growth: scheme":        {grew, `"rfc6962"`, `"bitcoin"`, 1, "no consistency proofs", nil},
		"growth: blake3":        {grew, `"rfc6962"`, `"blake3"`, 2, "key scheme", nil},
		"growth: content":       {grew, "", "", 2, "--content looks at leaves", []string{"--content", chunks}},
		"growth: dir":           {grew, "", "", 2, "--dir looks at leaves", []string{"--dir"}},
		"growth: old root flag": {grew, "", "", 2, `--old-root "00"`, []string{"--old-root", "00"}},
		"list: length":          {list, `"mix_in_length":9`, `"mix_in_length":10`, 1, "root does not match", nil},
		"list: no such length":  {list, `"mix_in_length":9`, `"mix_in_length":4`, 1, "no SSZ list of so many", nil},
		"list: negative":        {list, `"mix_in_length":9`, `"mix_in_length":-9`, 2, "mix_in_length", nil},
		"list: no length":       {list, `"mix_in_length":9,`, ``, 2, "missing: mix_in_length", nil},
		"list: no chunks root":  {list, `"mix_in_length":9,"chunks_root":"`, `"mix_in_length":9,"x":"`, 2, "missing: chunks_root", nil},
		"list: chunks root":     {list, `"chunks_root":"`, `"chunks_root":` + node + `,"x":"`, 1, "root does not match", nil},
		"list: short":           {list, `"chunks_root":"`, `"chunks_root":"00`, 2, "key chunks_root", nil},
		"list: limit":           {list, `"ssz:8"`, `"ssz:16"`, 1, "path has the wrong length", nil},
		"list: no limit":        {list, `"ssz:8"`, `"ssz"`, 2, "are of SSZ lists", nil},
		"list: as a vector":     {list, `"mix_in_length":9,"chunks_root"`, `"x":9,"y"`, 1, "root does not match", nil},
		"blake3: chunk":         {blake3, `"chunk":"41`, `"chunk":"42`, 1, "root does not match", nil},
		"blake3: size":          {blake3, `"size":160`, `"size":161`, 1, "wrong length", nil},
		"blake3: index":         {blake3, `"index":0`, `"index":1`, 1, "outside the tree", nil},
		"blake3: path":          {blake3, `"path":[`, `"path":[` + node, 1, "path has the wrong length", nil},
		"blake3: scheme":        {blake3, `"scheme":"blake3"`, `"scheme":"rfc6962"`, 2, "key scheme", nil},
		"blake3: other kind":    {blake3, `"kind":"blake3_chunk"`, `"kind":"inclusion"`, 2, "several kinds", nil},
		"blake3: reverse":       {blake3, "", "", 2, "leave it out", []string{"--reverse"}},
	} {
		changed := strings.Replace(tc.proof, tc.old, tc.new, 1)
		if tc.old != "" && changed == tc.proof {
			t.Errorf("%s: %q is not in %s", name, tc.old, tc.proof)
		}
		code, stdout, stderr := runMerkle(t, changed, append([]string{"verify", "-"}, tc.args...)...)
		if code != tc.code || !strings.Contains(stderr, tc.want) || (code == 2) != (stdout == "") {
			t.Errorf("%s: exit code %d, %q, %q; want %d, %q", name, code, stdout, stderr, tc.code, tc.want)
		}
	}
}

// Whatever the bytes are, reading and verifying them ends without a panic, and an
// error is one of the proof's form.
func FuzzMerkleDocument(f *testing.F) {
	for _, tc := range [][]string{{"--index", "1"}, {"--index", "1,3"}, {"--range", "2-4"}, {"--consistency", "3"}} {
		code, proof, stderr := runMerkle(f, eightLeaves, append([]string{"prove", "--json", "-"}, tc...)...)
		if code != 0 {
			f.Fatal(stderr)
		}
		f.Add([]byte(proof))
	}
	_, list, _ := runMerkle(f, sszChunks, "prove", "--scheme", "ssz:8", "--chunk", "32", "--mix-in-length", "--index", "1", "--json", "-")
	_, blake3, _ := runMerkle(f, sszChunks, "prove", "--scheme", "blake3", "--index", "0", "--json", "-")
	f.Add([]byte(list))
	f.Add([]byte(blake3))
	f.Add([]byte(`{"kind":"consistency","old_size":18446744073709551615}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodeProofDocument(data)
		if err != nil {
			if !errors.Is(err, merkle.ErrProofFormat) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if len(p.indices) != len(p.leaves) && p.kind != kindMulti {
			t.Fatalf("%d indices for %d leaves", len(p.indices), len(p.leaves))
		}
		a := newVerifyAnswer(p)
		if p.verify(p.root) == nil && a.what() == "" {
			t.Fatal("nothing is said of a proof that holds")
		}
	})
}
