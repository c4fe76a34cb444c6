package results

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteFileAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	for _, text := range []string{"first", "second, longer"} {
		if err := WriteFileAtomic(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("%q %v", got, err)
		}
	}
	// A target that cannot be replaced leaves neither damage nor a temporary
	// file behind.
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFileAtomic(taken, []byte("x"), 0o644); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("a folder in the way: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%v %v", left, err)
	}
	if err := WriteFileAtomic(filepath.Join(dir, "none", "x"), nil, 0o644); err == nil {
		t.Error("a missing folder was accepted")
	}
}
