package results

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk that fills up in the middle of a record leaves all lines before that
// whole, and an error that names the file and the remedy.
func TestWriterOnAFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("cannot mount a tmpfs of 1 MiB here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	path := filepath.Join(dir, "record.jsonl")
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(sampleEnv()); err != nil {
		t.Fatal(err)
	}
	written := 0
	for written < 4096 {
		trial := sampleTrial()
		trial.ID = written + 1
		if err = w.Write(trial); err != nil {
			break
		}
		written++
	}
	if !errors.Is(err, ErrWrite) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--out") {
		t.Fatalf("after %d trials: %v", written, err)
	}
	sum := sampleSummary()
	if again := w.WriteSummary(&sum); !errors.Is(again, ErrWrite) {
		t.Errorf("a summary after the failure: %v", again)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	rec, err := ReadFile(path, false)
	if err != nil || len(rec.Trials) != written || rec.Summary != nil || len(rec.Notes) > 0 {
		t.Errorf("%d of %d trials are readable: %v %q", len(rec.Trials), written, err, rec.Notes)
	}
}
