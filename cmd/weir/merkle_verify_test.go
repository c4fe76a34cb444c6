package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// proveJSON returns what prove --json prints.
func proveJSON(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	code, stdout, stderr := runMerkle(t, stdin, append([]string{"prove", "--json", "-"}, args...)...)
	if code != 0 {
		t.Fatalf("prove %v: exit code %d: %s", args, code, stderr)
	}
	return stdout
}

func TestMerkleProveThenVerify(t *testing.T) {
	for name, tc := range map[string]struct {
		text, root string
		size       int
		args       []string
	}{
		"rfc6962": {threeLeaves, threeLeafRoot, 3, nil},
		"one":     {"\n", emptyLeafRoot, 1, nil},
		"bitcoin": {block100kTxids, block100kRoot, 4, []string{"--scheme", "bitcoin", "--reverse"}},
	} {
		for i := range tc.size {
			proof := proveJSON(t, tc.text, append([]string{"--index", string(rune('0' + i))}, tc.args...)...)
			var keys map[string]any
			if err := json.Unmarshal([]byte(proof), &keys); err != nil {
				t.Fatal(err)
			}
			if keys["root"] != tc.root || keys["index"] != float64(i) || keys["size"] != float64(tc.size) ||
				keys["leaf"] != strings.TrimSpace(strings.SplitN(tc.text, "\n", tc.size+1)[i]) {
				t.Errorf("%s: proof %s", name, proof)
			}
			file := writeFile(t, "proof.json", proof)
			got := runMerkleJSON(t, 0, "", "verify", "--proof", file, "--root", tc.root)
			if got["ok"] != true || got["reason"] != "" || got["root_source"] != "flag" || len(got["warnings"].([]any)) != 0 {
				t.Errorf("%s: verify: %v", name, got)
			}
			code, stdout, stderr := runMerkle(t, proof, "verify", "-")
			if code != 0 || !strings.HasPrefix(stdout, "valid: ") || !strings.Contains(stderr, "warning: checked against the root that the proof itself carries") {
				t.Errorf("%s: verify without a root: exit code %d, %q, %q", name, code, stdout, stderr)
			}
		}
	}
}

func TestMerkleVerifyRefuses(t *testing.T) {
	proof := proveJSON(t, threeLeaves, "--index", "1")
	for name, tc := range map[string]struct {
		old, new string
		root     string
		reason   string
	}{
		"another root":   {"", "", emptyRoot, "root does not match"},
		"another leaf":   {`"leaf":"00"`, `"leaf":"01"`, threeLeafRoot, "root does not match"},
		"another index":  {`"index":1`, `"index":0`, threeLeafRoot, "root does not match"},
		"index is size":  {`"index":1`, `"index":3`, threeLeafRoot, "outside the tree"},
		"size 0":         {`"size":3`, `"size":0`, threeLeafRoot, "size is 0"},
		"larger size":    {`"size":3`, `"size":5`, threeLeafRoot, "3 nodes, this one has 2"},
		"longer path":    {`"path":[`, `"path":["` + emptyRoot + `",`, threeLeafRoot, "2 nodes, this one has 3"},
		"own wrong root": {threeLeafRoot, emptyRoot, "", "root does not match"},
	} {
		args := []string{"verify", "--proof", "-"}
		if tc.root != "" {
			args = append(args, "--root", tc.root)
		}
		changed := strings.Replace(proof, tc.old, tc.new, 1)
		got := runMerkleJSON(t, 1, changed, args...)
		if reason, _ := got["reason"].(string); got["ok"] != false || !strings.Contains(reason, tc.reason) {
			t.Errorf("%s: %v; want %q", name, got, tc.reason)
		}
		code, stdout, stderr := runMerkle(t, changed, args...)
		if code != 1 || !strings.HasPrefix(stdout, "invalid: ") || !strings.Contains(stderr, tc.reason) {
			t.Errorf("%s: exit code %d, %q, %q", name, code, stdout, stderr)
		}
	}
}

func TestMerkleVerifyErrors(t *testing.T) {
	proof := proveJSON(t, threeLeaves, "--index", "1")
	for name, tc := range map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"no file":         {"", nil, "--proof FILE"},
		"two files":       {"", []string{"--proof", "-", "other"}, "--proof FILE"},
		"missing file":    {"", []string{"--proof", "/nowhere/p.json"}, "/nowhere/p.json"},
		"empty":           {"", []string{"--proof", "-"}, "standard input: merkle: malformed proof"},
		"not JSON":        {"hello", []string{"--proof", "-"}, "prove --json"},
		"key missing":     {strings.Replace(proof, `"size":3,`, "", 1), []string{"--proof", "-"}, "missing: size"},
		"short path node": {strings.Replace(proof, `"path":["`, `"path":["00`, 1), []string{"--proof", "-"}, "node 0"},
		"short root":      {proof, []string{"--proof", "-", "--root", "00"}, `--root "00"`},
		"empty root":      {proof, []string{"--proof", "-", "--root", ""}, `--root ""`},
		"root not hex":    {proof, []string{"--proof", "-", "--root", strings.Repeat("x", 64)}, "--root"},
		"other scheme":    {proof, []string{"--proof", "-", "--scheme", "bitcoin"}, "the proof is of scheme rfc6962"},
		"reverse":         {proof, []string{"--proof", "-", "--reverse"}, "leave it out"},
	} {
		code, stdout, stderr := runMerkle(t, tc.stdin, append([]string{"verify", "--json"}, tc.args...)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: exit code %d, %q, %q; want %q", name, code, stdout, stderr, tc.want)
		}
	}
}

// A display-order root beside a proof in internal order needs --reverse.
func TestMerkleVerifyReverse(t *testing.T) {
	const a, b = "01" + "00000000000000000000000000000000000000000000000000000000000000", "02" + "00000000000000000000000000000000000000000000000000000000000000"
	proof := proveJSON(t, a+"\n"+b+"\n", "--scheme", "bitcoin", "--index", "1")
	display := proveJSON(t, flip(a)+"\n"+flip(b)+"\n", "--scheme", "bitcoin", "--reverse", "--index", "1")
	var internal, shown struct{ Root string }
	if json.Unmarshal([]byte(proof), &internal) != nil || json.Unmarshal([]byte(display), &shown) != nil || shown.Root != flip(internal.Root) {
		t.Fatalf("roots %q and %q", internal.Root, shown.Root)
	}
	for _, tc := range []struct {
		proof string
		code  int
		args  []string
	}{
		{proof, 0, []string{"--root", internal.Root}},
		{proof, 0, []string{"--root", shown.Root, "--reverse"}},
		{proof, 1, []string{"--root", shown.Root}},
		{display, 0, []string{"--root", shown.Root}},
		{display, 0, []string{"--root", shown.Root, "--reverse", "--scheme", "bitcoin"}},
		{display, 1, []string{"--root", internal.Root}},
	} {
		if code, _, stderr := runMerkle(t, tc.proof, append([]string{"verify", "--proof", "-"}, tc.args...)...); code != tc.code {
			t.Errorf("%v: exit code %d, want %d: %s", tc.args, code, tc.code, stderr)
		}
	}
}

// flip reverses the bytes of a hex text.
func flip(text string) string {
	var out string
	for i := len(text); i > 0; i -= 2 {
		out += text[i-2 : i]
	}
	return out
}
