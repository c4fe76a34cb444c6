package asm_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/asm/sha256x"
)

// TestVersions recomputes the constants that tie a calibration to the code.
func TestVersions(t *testing.T) {
	for dir, version := range map[string]string{"sha256x": sha256x.Version, "blake3x": blake3x.Version} {
		if want := sourcesDigest(t, dir); version != want {
			t.Errorf("asm/%s/version.go says %s, but the code is %s: run make generate-asm", dir, version, want)
		}
	}
}

func sourcesDigest(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, e := range entries {
		name := e.Name()
		if !slices.Contains([]string{".go", ".s"}, filepath.Ext(name)) || strings.HasSuffix(name, "_test.go") || name == "version.go" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%s %d\n", name, len(data))
		h.Write(data)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}
