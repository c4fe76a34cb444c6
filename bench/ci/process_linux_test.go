package ci

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a run leaves behind ends with it: it would be measured beside the next
// one. The process holds a pipe open, whose end tells that it is gone.
func TestRunLeavesNothingBehind(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	r := &Runner{Base: Command{Args: []string{"/bin/sh", "-c", "exec 3>" + pipe + "; sleep 600 >/dev/null 2>&1 & echo 42"}}}
	if s, err := r.Run(t.Context(), Base); err != nil || s.Answer != "42\n" {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := end.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := end.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the process that a run left behind is still there: %v", err)
	}
}

// A process that keeps the output open is named as what it is.
func TestRunThatKeepsItsOutputOpen(t *testing.T) {
	r := &Runner{Base: Command{Args: []string{"/bin/sh", "-c", "sleep 600 & echo 42"}}}
	if _, err := r.Run(t.Context(), Base); !errors.Is(err, ErrSetup) || !strings.Contains(err.Error(), "keeps its output open") {
		t.Errorf("%v", err)
	}
}
