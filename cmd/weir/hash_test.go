package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/hash"
)

// hashCommand runs weir hash with a cache folder of its own and returns what
// it printed and its exit code.
func hashCommand(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return hashCommandIn(t.Context(), t, stdin, args...)
}

func hashCommandIn(ctx context.Context, t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	t.Cleanup(func() {
		if err := cpu.Kernels.Override(""); err != nil {
			t.Error(err)
		}
	})
	var out, errOut bytes.Buffer
	cmd := newHashCmd()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	err := cmd.ExecuteContext(ctx)
	var ee *exitError
	switch {
	case err == nil:
		code = exitOK
	case errors.As(err, &ee):
		code = ee.code
	default:
		code = exitUsage
	}
	if err != nil {
		errOut.WriteString(err.Error())
	}
	return out.String(), errOut.String(), code
}

// ownCache points the user's cache folder into the test's.
func ownCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir) // Linux
	t.Setenv("HOME", dir)           // macOS
	t.Setenv("LocalAppData", dir)   // Windows
	return dir
}

func cacheFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// smallRun keeps the tests short.
var smallRun = []string{"--size", "64", "--n", "2"}

func TestHashJSON(t *testing.T) {
	dir := ownCache(t)
	stdout, stderr, code := hashCommand(t, "", append(smallRun, "--json")...)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	var got struct {
		Schema string
		Rows   []map[string]any
		CPU    map[string]any
	}
	dec := json.NewDecoder(strings.NewReader(stdout))
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if dec.More() {
		t.Error("more than one object on stdout")
	}
	if got.Schema != "weir.hash/1" || got.CPU["key"] != cpu.Host().Key() {
		t.Errorf("schema %q, cpu %v", got.Schema, got.CPU)
	}
	rows := map[string]bool{}
	for _, r := range got.Rows {
		for _, key := range []string{"kernel", "impl", "n", "size", "ns_per_op", "bytes_per_sec", "verified", "chosen"} {
			if _, ok := r[key]; !ok {
				t.Errorf("row %v has no %s", r, key)
			}
		}
		if r["verified"] != true || r["ns_per_op"].(float64) <= 0 {
			t.Errorf("row %v is not verified, or took no time", r)
		}
		rows[r["kernel"].(string)+":"+r["impl"].(string)] = true
	}
	for _, im := range hash.Implementations() {
		if name := im.Kernel + ":" + im.Name; rows[name] != (im.Unavailable == "") {
			t.Errorf("%s has a row: %v; unavailable: %q", name, rows[name], im.Unavailable)
		}
	}
	if files := cacheFiles(t, dir); len(files) != 1 {
		t.Errorf("cache files %q, want one", files)
	}
}

func TestHashNoCacheWritesNothing(t *testing.T) {
	dir := ownCache(t)
	if _, stderr, code := hashCommand(t, "", append(smallRun, "--no-cache")...); code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if files := cacheFiles(t, dir); len(files) != 0 {
		t.Errorf("wrote %q", files)
	}
}

func TestHashReplacesABadCacheWithAWarning(t *testing.T) {
	dir := ownCache(t)
	if _, stderr, code := hashCommand(t, "", smallRun...); code != exitOK || stderr != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	path := cacheFiles(t, dir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"corrupt": good[:len(good)/2],
		"foreign": bytes.ReplaceAll(good, []byte(cpu.Host().Key()), []byte("amd64-Other-1-1-1-0")),
	} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, code := hashCommand(t, "", append(smallRun, "--json")...)
		if code != exitOK || !strings.Contains(stderr, "warning: cached calibration ignored") {
			t.Errorf("%s: exit %d, stderr %q", name, code, stderr)
		}
		if !strings.Contains(stdout, "cached calibration ignored") {
			t.Errorf("%s: the warning is not in the object", name)
		}
		if _, stderr, _ := hashCommand(t, "", smallRun...); stderr != "" {
			t.Errorf("%s: the file was not replaced: %q", name, stderr)
		}
	}
}

func TestHashImpl(t *testing.T) {
	ownCache(t)
	stdout, stderr, code := hashCommand(t, "", "--json", "--n", "2", "--kernel", "sha256_pairs", "--impl", "sha256_pairs:std")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var got hashReport
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	for _, r := range got.Rows {
		if r.Kernel != "sha256_pairs" || r.Chosen != (r.Impl == "std") {
			t.Errorf("row %+v, want sha256_pairs with std chosen", r)
		}
	}
	if len(got.Choices) != 1 || got.Choices[0].Source != cpu.Overridden {
		t.Errorf("choices %+v, want one override", got.Choices)
	}
}

// TestHashShowsFollowers: a kernel that callers see as part of another is
// forced and shown with it.
func TestHashShowsFollowers(t *testing.T) {
	ownCache(t)
	stdout, stderr, code := hashCommand(t, "", "--json", "--n", "2", "--size", "64,1024", "--kernel", "sha256_many", "--impl", "sha256_many:std")
	var got hashReport
	if err := json.Unmarshal([]byte(stdout), &got); code != exitOK || err != nil {
		t.Fatalf("exit %d, %v: %s", code, err, stderr)
	}
	for _, r := range got.Rows {
		if r.Chosen != (r.Impl == "std") {
			t.Errorf("row %+v, want std chosen at every size", r)
		}
	}
	if len(got.Choices) != 2 || got.Choices[1].Kernel != "sha256_many_long" || got.Choices[1].Source != cpu.Overridden {
		t.Errorf("choices %+v, want sha256_many and sha256_many_long, both forced", got.Choices)
	}
}

func TestHashText(t *testing.T) {
	ownCache(t)
	stdout, stderr, code := hashCommand(t, "", append(smallRun, "--explain")...)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{"processor", "sha256_pairs", "blake3: best ns per call", "chosen  sha256 "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
	for line := range strings.Lines(stdout) {
		if len([]rune(strings.TrimRight(line, "\n"))) > 80 && strings.Contains(line, " yes") {
			t.Errorf("a row of the table is wider than 80 columns: %q", line)
		}
	}
}

func TestHashRefuses(t *testing.T) {
	ownCache(t)
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"--impl", "sha3:std"}, `no kernel "sha3"`},
		{[]string{"--impl", "sha256:fast"}, `no implementation "fast"`},
		{[]string{"--impl", "sha256"}, "kernel:implementation"},
		{[]string{"--kernel", "sha3"}, `no kernel "sha3"`},
		{[]string{"--size", "-1"}, "message size -1"},
		{[]string{"--n", "0"}, "batch of 0"},
		{[]string{"file"}, `unknown command "file"`},
		{[]string{"sum"}, "at least 1 arg"},
		{[]string{"sum", "--algo", "md5", "-"}, "sha256 or blake3"},
	} {
		stdout, stderr, code := hashCommand(t, "", c.args...)
		if code != exitUsage || !strings.Contains(stderr, c.text) || stdout != "" {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want exit %d and %q", c.args, code, stdout, stderr, exitUsage, c.text)
		}
	}
}

func TestHashInterrupted(t *testing.T) {
	ownCache(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stdout, stderr, code := hashCommandIn(ctx, t, "", append(smallRun, "--json")...)
	var got hashReport
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("an interrupted run leaves no readable object: %v", err)
	}
	if code != exitInconclusive || got.Rows == nil || len(got.Warnings) != 1 || !strings.Contains(stderr, "canceled") {
		t.Errorf("exit %d, %d warnings, stderr %q; want exit %d and one warning", code, len(got.Warnings), stderr, exitInconclusive)
	}
}

func TestHashSum(t *testing.T) {
	dir := t.TempDir()
	abc := filepath.Join(dir, "abc")
	odd := filepath.Join(dir, `odd\name`)
	for _, name := range []string{abc, odd} {
		if err := os.WriteFile(name, []byte("abc"), 0o600); err != nil {
			t.Skipf("this file system does not take the name %q: %v", name, err)
		}
	}
	const (
		sha256abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
		blake3abc = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
	)
	stdout, stderr, code := hashCommand(t, "abc", "sum", abc, "-", odd)
	want := sha256abc + "  " + abc + "\n" + sha256abc + "  -\n\\" + sha256abc + "  " + strings.ReplaceAll(odd, `\`, `\\`) + "\n"
	if code != exitOK || stdout != want {
		t.Errorf("exit %d (%s), printed\n%swant\n%s", code, stderr, stdout, want)
	}
	stdout, stderr, code = hashCommand(t, "abc", "sum", "--algo", "blake3", "-")
	if want := blake3abc + "  -\n"; code != exitOK || stdout != want {
		t.Errorf("exit %d (%s), printed %q, want %q", code, stderr, stdout, want)
	}
}

func TestHashSumUnreadable(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	stdout, stderr, code := hashCommand(t, "", "sum", missing, "-", dir)
	if code != exitUsage || !strings.Contains(stderr, missing) || !strings.Contains(stderr, dir) {
		t.Errorf("exit %d, stderr %q; want exit %d naming both", code, stderr, exitUsage)
	}
	if !strings.HasSuffix(stdout, "  -\n") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("printed %q, want the digest of the readable one", stdout)
	}
	stdout, _, code = hashCommand(t, "abc", "sum", "--json", missing, "-")
	var got hashSum
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if code != exitUsage || got.Schema != "weir.hash.sum/1" || len(got.Files) != 2 {
		t.Fatalf("exit %d, %+v", code, got)
	}
	if f := got.Files[0]; f.Digest != nil || f.Bytes != nil || f.Error == nil {
		t.Errorf("unreadable file: %+v, want an error and no digest", f)
	}
	if f := got.Files[1]; f.Digest == nil || f.Bytes == nil || *f.Bytes != 3 || f.Error != nil {
		t.Errorf("readable file: %+v, want a digest of 3 bytes", f)
	}
}

func TestHashHelpFits80Columns(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"sum", "--help"}} {
		stdout, _, code := hashCommand(t, "", args...)
		if code != exitOK || !strings.Contains(stdout, "Examples:") {
			t.Errorf("%q: exit %d, no example", args, code)
		}
		for line := range strings.Lines(stdout) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
				t.Errorf("%q: %d columns: %q", args, n, line)
			}
		}
	}
}

// TestHashWrongEnvironment runs itself in a child process: the registry reads
// WEIR_IMPL once, at the first choice.
func TestHashWrongEnvironment(t *testing.T) {
	const child = "WEIR_TEST_CHILD_HASH"
	if os.Getenv(child) != "" {
		ownCache(t)
		stdout, stderr, code := hashCommand(t, "", smallRun...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, `no implementation "nosuch"`) || !strings.Contains(stderr, cpu.EnvName) {
			t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-test.run=^TestHashWrongEnvironment$")
	cmd.Env = append(os.Environ(), child+"=1", cpu.EnvName+"=sha256:nosuch")
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("PASS")) {
		t.Errorf("%v:\n%s", err, out)
	}
}
