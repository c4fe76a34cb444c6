package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCISignals: Ctrl-C, an end by a service manager and a terminal that closes
// end the run under way with all that it started, whose open pipe tells.
func TestCISignals(t *testing.T) {
	// Below nohup a hangup is ignored, and children inherit that; a signal that is
	// caught is the default again in a child.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := e2eTemp(t)
			pipe, program := filepath.Join(dir, "pipe"), filepath.Join(dir, "program")
			script := "#!/bin/sh\nexec 3>" + pipe + "\necho x >&3\nsleep 600\n"
			if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(program, []byte(script), 0o700)); err != nil {
				t.Fatal(err)
			}
			end, err := os.OpenFile(pipe, os.O_RDWR|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			cmd := weirCommand(t, dir, "ci", program, program, "--out", "out", "--junit", "j.xml")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			began := make([]byte, 2)
			if err := end.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(end, began); err != nil {
				t.Fatalf("the run did not begin: %v, %s", err, stderr.String())
			}
			// From here on only the run holds the other end.
			again, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if err := errors.Join(end.Close(), cmd.Process.Signal(sig)); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInconclusive || !strings.Contains(stderr.String(), "interrupted") {
				t.Errorf("%v, %s", err, stderr.String())
			}
			if err := again.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := again.Read(began); !errors.Is(err, io.EOF) {
				t.Errorf("the run is still there: %v", err)
			}
			if junit, err := os.ReadFile(filepath.Join(dir, "j.xml")); err != nil || !strings.Contains(string(junit), `errors="1"`) {
				t.Errorf("%v, %s", err, junit)
			}
		})
	}
}
