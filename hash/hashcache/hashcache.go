// Package hashcache keeps the calibration of the hash kernels in a file, so
// that a command need not measure at every start. Libraries do not use it: they
// never write files.
package hashcache

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/chainweir/weir/asm/cpu"
)

// ErrCorrupt marks a file that is not a calibration.
var ErrCorrupt = errors.New("hashcache: not a calibration file")

const (
	schema = "weir.calibration/1"
	// maxFileBytes is many times what all kernels need.
	maxFileBytes = 1 << 20
)

type file struct {
	Schema string `json:"schema"`
	cpu.Calibration
}

// DefaultPath returns the file for this kind of processor in the user's cache
// folder. The name has the processor in it, because home folders are shared
// between machines.
func DefaultPath() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("hashcache: no cache folder: %w; set XDG_CACHE_HOME or HOME", err)
	}
	return filepath.Join(dir, "weir", "calibration-"+cpu.Host().Key()+".json"), nil
}

// Load imports the file into r. Errors: fs.ErrNotExist without a file,
// ErrCorrupt for one that cannot be read as a calibration, cpu.ErrForeign for
// another processor or version, cpu.ErrCalibration for one that does not fit
// the kernels. After an error nothing was imported, and the kernels measure.
func Load(path string, r *cpu.Registry) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("hashcache: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return fmt.Errorf("hashcache: %w", err)
	}
	if len(data) > maxFileBytes {
		return fmt.Errorf("%w: %s is larger than %d bytes; delete it", ErrCorrupt, path, maxFileBytes)
	}
	var content file
	if err := json.Unmarshal(data, &content); err != nil {
		return fmt.Errorf("%w: %s: %w; delete it", ErrCorrupt, path, err)
	}
	if content.Schema != schema {
		return fmt.Errorf("%w: %s has the schema %q, want %q; delete it", ErrCorrupt, path, content.Schema, schema)
	}
	if err := r.Import(content.Calibration); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Save writes what r measured to the file, which a reader sees whole or not at
// all, and makes the folder where it is missing.
func Save(path string, r *cpu.Registry) error {
	data, err := json.MarshalIndent(file{schema, r.Export()}, "", "  ")
	if err != nil {
		return fmt.Errorf("hashcache: %w", err)
	}
	if err := writeAtomically(path, append(data, '\n')); err != nil {
		return fmt.Errorf("hashcache: %w", err)
	}
	return nil
}

func writeAtomically(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".calibration-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
