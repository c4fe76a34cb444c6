package hashcache

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chainweir/weir/asm/cpu"
)

// registry has one kernel whose second implementation does nothing, so that
// any machine finds it the faster one.
func registry() (*cpu.Registry, *cpu.Kernel) {
	r := cpu.NewRegistry(func(string) string { return "" })
	buf := make([]byte, 1<<16)
	k := r.Register(cpu.Spec{
		Name: "k", Unit: "units", Ladder: []int{1},
		Impls: []cpu.Impl{{Name: "spec"}, {Name: "idle"}},
		Prepare: func(int) func(int) {
			return func(impl int) {
				if impl == 0 {
					for i := range buf {
						buf[i] += byte(i)
					}
				}
			}
		},
	})
	return r, k
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "c.json")
	r, _ := registry()
	r.Calibrate()
	for range 2 { // the second one replaces a file
		if err := Save(path, r); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the file alone", entries, err)
	}
	again, k := registry()
	if err := Load(path, again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Export(), again.Export()); diff != "" {
		t.Errorf("loaded differs from saved (-saved +loaded):\n%s", diff)
	}
	if k.Pick(1) != 1 || again.Explain()[0].Source != cpu.Imported {
		t.Errorf("picked %d from %s, want 1 from the file", k.Pick(1), again.Explain()[0].Source)
	}
}

func TestLoadRefuses(t *testing.T) {
	r, _ := registry()
	r.Calibrate()
	path := filepath.Join(t.TempDir(), "c.json")
	if err := Save(path, r); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, by string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the file has no %q:\n%s", old, good)
		}
		return bytes.ReplaceAll(good, []byte(old), []byte(by))
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":           {nil, ErrCorrupt},
		"cut off":         {good[:len(good)/2], ErrCorrupt},
		"followed by":     {append(bytes.Clone(good), "{}"...), ErrCorrupt},
		"not JSON":        {[]byte("\x00\x01\x02"), ErrCorrupt},
		"other schema":    {replace(schema, "weir.calibration/9"), ErrCorrupt},
		"other type":      {[]byte(`{"schema":"weir.calibration/1","kernels":7}`), ErrCorrupt},
		"too large":       {bytes.Repeat([]byte(" "), maxFileBytes+1), ErrCorrupt},
		"other processor": {replace(cpu.Host().Key(), "amd64-Other-1-1-1-0"), cpu.ErrForeign},
		"other version":   {replace(r.Version(), "0123"), cpu.ErrForeign},
		"other impl":      {replace(`"impl": "idle"`, `"impl": "gone"`), cpu.ErrCalibration},
	} {
		t.Run(name, func(t *testing.T) {
			bad := filepath.Join(t.TempDir(), "c.json")
			if err := os.WriteFile(bad, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			r, _ := registry()
			err := Load(bad, r)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), bad) {
				t.Errorf("error %v, want %v naming the file", err, c.want)
			}
			if n := len(r.Export().Kernels); n != 0 {
				t.Errorf("%d kernels were imported from the bad file", n)
			}
		})
	}
	r, _ = registry()
	if err := Load(filepath.Join(t.TempDir(), "none"), r); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v without a file, want %v", err, fs.ErrNotExist)
	}
}

func TestSaveSaysWhyItCannot(t *testing.T) {
	r, _ := registry()
	blocker := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Save(filepath.Join(blocker, "c.json"), r); err == nil || !strings.Contains(err.Error(), blocker) {
		t.Errorf("error %v, want one that names %s", err, blocker)
	}
}

func TestDefaultPathIsThisMachines(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	path, err := DefaultPath()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(path, cpu.Host().Key()) || filepath.Base(filepath.Dir(path)) != "weir" {
		t.Errorf("path %s, want one in a folder weir with the processor's key", path)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"schema":"weir.calibration/1","cpu":"x","version":"y","kernels":[{"kernel":"k","steps":[{"from":0,"impl":"spec"}]}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "c.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, k := registry()
		if err := Load(path, r); err == nil && len(r.Export().Kernels) > 0 {
			if i := k.Pick(1); i < 0 || i > 1 {
				t.Errorf("picked %d of 2 from %q", i, data)
			}
		}
	})
}
