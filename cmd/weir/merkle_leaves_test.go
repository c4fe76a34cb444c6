package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

// rootOf is the root that package merkle computes, in hex.
func rootOf(t *testing.T, leaves ...string) string {
	t.Helper()
	list := make([][]byte, len(leaves))
	for i, leaf := range leaves {
		list[i] = []byte(leaf)
	}
	root, err := merkle.NewBuilder(merkle.RFC6962, 1).Root(list)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(root[:])
}

func entry(path, content string) string {
	digest := sha256.Sum256([]byte(content))
	return path + "\x00" + string(digest[:])
}

// writeTree makes a directory of files.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.WriteFile(full, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMerkleChunks(t *testing.T) {
	text := strings.Repeat("0123456789", 10)[:97]
	file := writeFile(t, "data", text)
	want := rootOf(t, text[:40], text[40:80], text[80:])
	for _, in := range []struct{ stdin, name string }{{"", file}, {text, "-"}} {
		got := runMerkleJSON(t, 0, in.stdin, "root", "--chunk", "40", in.name)
		if got["root"] != want || got["leaves"] != 3. || got["leaf_kind"] != "chunk" {
			t.Errorf("%v; want root %s", got, want)
		}
		for i, chunk := range []string{text[:40], text[40:80], text[80:]} {
			index := string(rune('0' + i))
			proof := runMerkleJSON(t, 0, in.stdin, "prove", "--chunk", "40", "--index", index, in.name)
			if proof["leaf"] != hex.EncodeToString([]byte(chunk)) || proof["root"] != want || proof["leaf_kind"] != "chunk" {
				t.Errorf("chunk %d: %v", i, proof)
			}
			_, stdout, _ := runMerkle(t, in.stdin, "prove", "--chunk", "40", "--index", index, "--json", in.name)
			proofFile := writeFile(t, "proof.json", stdout)
			part := writeFile(t, "part", chunk)
			for _, args := range [][]string{nil, {"--chunk", "40", "--content", file}, {"--content", part}} {
				args = append([]string{"verify", "--proof", proofFile, "--root", want}, args...)
				if got := runMerkleJSON(t, 0, "", args...); got["ok"] != true || got["file"] != nil {
					t.Errorf("%v: %v", args, got)
				}
			}
			short := writeFile(t, "short", text[:20])
			for _, args := range [][]string{{"--chunk", "41", "--content", file}, {"--content", file}, {"--chunk", "40", "--content", short}} {
				args = append([]string{"verify", "--proof", proofFile, "--root", want}, args...)
				got := runMerkleJSON(t, 1, "", args...)
				if reason, _ := got["reason"].(string); got["ok"] != false || !strings.Contains(reason, "not the content of "+args[len(args)-1]) {
					t.Errorf("%v: %v", args, got)
				}
			}
		}
	}
	ids := strings.Repeat("a", 32) + strings.Repeat("b", 32)
	got := runMerkleJSON(t, 0, ids, "root", "--scheme", "bitcoin", "--chunk", "32", "-")
	lines := hex.EncodeToString([]byte(ids[:32])) + "\n" + hex.EncodeToString([]byte(ids[32:])) + "\n"
	if want := runMerkleJSON(t, 0, lines, "root", "--scheme", "bitcoin", "--hex", "-"); got["root"] != want["root"] || want["leaf_kind"] != "hex" {
		t.Errorf("%v; want root %v", got, want)
	}
	if got := runMerkleJSON(t, 0, "", "root", "--chunk", "1", "-"); got["root"] != emptyRoot || got["leaves"] != 0. {
		t.Errorf("no byte: %v", got)
	}
}

func TestMerkleDir(t *testing.T) {
	dir := writeTree(t, map[string]string{"b": "two", "a/c": "one", "a-b": ""})
	leaves := []string{entry("a-b", ""), entry("a/c", "one"), entry("b", "two")}
	want := rootOf(t, leaves...)
	got := runMerkleJSON(t, 0, "", "root", "--dir", dir)
	if got["root"] != want || got["leaves"] != 3. || got["leaf_kind"] != "dir" {
		t.Errorf("%v; want root %s", got, want)
	}
	for i, path := range []string{"a-b", "a/c", "b"} {
		_, byPath, _ := runMerkle(t, "", "prove", "--dir", "--path", path, "--json", dir)
		_, byIndex, _ := runMerkle(t, "", "prove", "--dir", "--index", string(rune('0'+i)), "--json", dir)
		if byPath != byIndex || !strings.Contains(byPath, hex.EncodeToString([]byte(leaves[i]))) {
			t.Errorf("%s: by path %s, by index %s", path, byPath, byIndex)
		}
		proof := writeFile(t, "proof.json", byPath)
		args := []string{"verify", "--proof", proof, "--root", want, "--dir", "--content", filepath.Join(dir, filepath.FromSlash(path))}
		digest := hex.EncodeToString([]byte(leaves[i][len(path)+1:]))
		file, _ := runMerkleJSON(t, 0, "", args...)["file"].(map[string]any)
		if file["path"] != path || file["sha256"] != digest {
			t.Errorf("%s: %v", path, file)
		}
		code, stdout, _ := runMerkle(t, "", args...)
		if code != 0 || !strings.Contains(stdout, `file: "`+path+`", SHA-256 `+digest+"\ncontent: ") {
			t.Errorf("%s: exit code %d, %q", path, code, stdout)
		}
		args[len(args)-1] = proof // another file
		if got := runMerkleJSON(t, 1, "", args...); got["reason"] != "the leaf is not the content of "+proof {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := runMerkleJSON(t, 0, "", "root", "--dir", t.TempDir()); got["root"] != emptyRoot || got["leaves"] != 0. {
		t.Errorf("no file: %v", got)
	}
	proof := proveJSON(t, threeLeaves, "--index", "1")
	got = runMerkleJSON(t, 1, proof, "verify", "--proof", "-", "--root", threeLeafRoot, "--dir")
	if reason, _ := got["reason"].(string); !strings.Contains(reason, "not the entry of a file") {
		t.Errorf("a leaf that is no file: %v", got)
	}
}

func TestMerkleLeavesErrors(t *testing.T) {
	dir := writeTree(t, map[string]string{"a": "x"})
	linked := writeTree(t, map[string]string{"a": "x"})
	if err := os.Symlink("a", filepath.Join(linked, "l")); err != nil {
		t.Skipf("this system makes no symbolic links here: %v", err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"two kinds":        {[]string{"root", "--chunk", "1", "--dir", dir}, "[chunk dir]"},
		"chunk 0":          {[]string{"root", "--chunk", "0", "-"}, "--chunk 0: use 1 to"},
		"chunk":            {[]string{"root", "--chunk", "16777217", "-"}, "--chunk 16777217: use 1 to"},
		"no hex":           {[]string{"root", "--hex=false", "-"}, "--chunk N or --dir"},
		"chunked nodes":    {[]string{"root", "--scheme", "bitcoin", "--chunk", "64", "-"}, "use --chunk 32"},
		"half a node":      {[]string{"root", "--scheme", "bitcoin", "--chunk", "32", filepath.Join(dir, "a")}, "the last chunk has 1 bytes"},
		"files as nodes":   {[]string{"root", "--scheme", "bitcoin", "--dir", dir}, "use --scheme rfc6962"},
		"reversed chunks":  {[]string{"root", "--scheme", "bitcoin", "--chunk", "32", "--reverse", "-"}, "leave it out with --chunk"},
		"standard input":   {[]string{"root", "--dir", "-"}, "is no directory"},
		"a file":           {[]string{"root", "--dir", filepath.Join(dir, "a")}, "a is a file; name a directory"},
		"missing":          {[]string{"root", "--dir", filepath.Join(dir, "none")}, "none: no such file"},
		"a link":           {[]string{"root", "--dir", linked}, "l is a symbolic link; remove it"},
		"chunk of a dir":   {[]string{"root", "--chunk", "1", dir}, "directory"},
		"no leaf":          {[]string{"prove", "--dir", dir}, "--index I"},
		"two leaves":       {[]string{"prove", "--dir", "--index", "0", "--path", "a", dir}, "which leaf?"},
		"path of a line":   {[]string{"prove", "--path", "a", "-"}, "add --dir"},
		"no such path":     {[]string{"prove", "--dir", "--path", "./a", dir}, `--path "./a"`},
		"no such chunk":    {[]string{"prove", "--chunk", "1", "--index", "1", filepath.Join(dir, "a")}, "leaf 1 of 1"},
		"no such file":     {[]string{"prove", "--dir", "--index", "1", dir}, "leaf 1 of 1"},
		"verify: chunk":    {[]string{"verify", "--proof", "p", "--chunk", "1"}, "--content FILE"},
		"verify: size":     {[]string{"verify", "--proof", "p", "--chunk", "-1", "--content", "x"}, "--chunk -1"},
		"verify: twice":    {[]string{"verify", "--proof", "-", "--content", "-"}, "standard input can be one of them"},
		"verify: two ways": {[]string{"verify", "--proof", "p", "--chunk", "1", "--dir", "--content", "x"}, "[chunk dir]"},
	} {
		code, stdout, stderr := runMerkle(t, "", tc.args...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: exit code %d, %q, %q; want %q", name, code, stdout, stderr, tc.want)
		}
	}
	proof := writeFile(t, "proof.json", proveJSON(t, threeLeaves, "--index", "1"))
	code, stdout, stderr := runMerkle(t, "", "verify", "--proof", proof, "--content", filepath.Join(dir, "none"))
	if code != 2 || stdout != "" || !strings.Contains(stderr, "none: no such file") {
		t.Errorf("content: exit code %d, %q, %q", code, stdout, stderr)
	}
}

// A command that is interrupted while it reads says so with exit code 3.
func TestMerkleLeavesInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, args := range [][]string{{"root", "--chunk", "4", "-"}, {"root", "--dir", t.TempDir()}, {"prove", "--dir", "--path", "a", t.TempDir()}} {
		cmd := newMerkleCmd()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetIn(strings.NewReader("00\n"))
		cmd.SetArgs(args)
		var ee *exitError
		if err := cmd.ExecuteContext(ctx); !errors.As(err, &ee) || ee.code != exitInconclusive {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// Every scheme of the library is offered by name.
func TestMerkleSchemesListed(t *testing.T) {
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		if flag := cmd.Flags().Lookup("workers"); flag != nil && cmd.Name() != "bench" {
			for _, s := range merkle.Schemes() {
				if !strings.Contains(cmd.Flags().Lookup("scheme").Usage, s.Name()) {
					t.Errorf("%s --scheme does not list %s", cmd.CommandPath(), s.Name())
				}
			}
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	cmd := newMerkleCmd()
	check(cmd)
	for _, s := range merkle.Schemes() {
		if !strings.Contains(cmd.Long, "\n  "+s.Name()) {
			t.Errorf("help does not list %s", s.Name())
		}
	}
}

func TestProgressText(t *testing.T) {
	for _, tc := range []struct {
		name        string
		done, total int64
		want        string
	}{
		{"f", 512, 1024, "reading f  [=========         ]  50 %  512 B, 256 B/s"},
		{"f", 3 << 30, 0, "reading f  3 GiB, 1.5 GiB/s"},
		{"f", 5, 4, "reading f  5 B, 2.5 B/s"},
		{"a/long/path/to/a\nfile.bin", 1 << 40, 1 << 40, "reading …/path/to/a?file.bin  [==================] 100 %  1 TiB, 512 GiB/s"},
	} {
		got := progressText(tc.name, tc.done, tc.total, 2*time.Second)
		if got != tc.want || len([]rune(got)) > helpColumns {
			t.Errorf("got %q (%d columns); want %q", got, len([]rune(got)), tc.want)
		}
	}
}
