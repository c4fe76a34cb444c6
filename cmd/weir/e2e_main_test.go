package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/results"
)

// The end-to-end tests start the real binary, built once for all of them.
var (
	e2eDir  string // readable for every user; the tests' folders are in it
	weirExe string
)

// e2eTimeout ends a process that hangs; no test waits for it otherwise.
const e2eTimeout = 90 * time.Second

func TestMain(m *testing.M) {
	netlab.MaybeRunHolder() // the tests open labs, held by this binary
	os.Exit(e2eMain(m))
}

func e2eMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "weir-e2e-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o755)
	}
	if err == nil {
		e2eDir, weirExe = dir, filepath.Join(dir, "weir")
		if runtime.GOOS == "windows" {
			weirExe += ".exe"
		}
		var out []byte
		if out, err = exec.Command("go", "build", "-buildvcs=false", "-o", weirExe, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build the binary under test:", err)
		return 1
	}
	return m.Run()
}

// e2eTemp makes a folder that other users can reach.
func e2eTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(e2eDir, "test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// outcome is what a finished process left.
type outcome struct {
	stdout, stderr string
	code           int
}

func (o outcome) String() string {
	return fmt.Sprintf("exit code %d\nstdout: %.2000s\nstderr: %.2000s", o.code, o.stdout, o.stderr)
}

// weirCommand prepares the binary to run in a folder, with a cache of its own.
func weirCommand(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	return weirCommandFor(t, e2eTimeout, dir, args...)
}

// weirCommandFor is weirCommand for what takes longer.
func weirCommandFor(t *testing.T, limit time.Duration, dir string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, weirExe, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "WEIR_IMPL=")
	return cmd
}

// finish runs a prepared command to its end.
func finish(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		t.Fatal(err)
	}
	return outcome{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}

// weir runs the binary in a folder.
func weir(t *testing.T, dir string, args ...string) outcome {
	t.Helper()
	return finish(t, weirCommand(t, dir, args...))
}

// until asks again and again about something in other processes, which have no
// way to tell, and returns whether it came true before the limit.
func until(limit time.Duration, done func() bool) bool {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(limit)
	for !done() {
		select {
		case <-again.C:
		case <-deadline:
			return done()
		}
	}
	return true
}

// validator compiles one of the published schemas.
func validator(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, n := range []string{results.SchemaRun, results.SchemaLoad} {
		data, err := results.JSONSchema(n)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err == nil {
			err = c.AddResource(results.SchemaFile(n), doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sch, err := c.Compile(results.SchemaFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return sch
}

// oneObject decodes stdout, which must be one JSON object and nothing else.
func oneObject(t *testing.T, stdout string, into any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(stdout))
	if err := dec.Decode(into); err != nil {
		t.Fatalf("stdout is not a JSON object: %v\n%.500s", err, stdout)
	}
	var more any
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		t.Fatalf("something follows the JSON object on stdout: %v %v", more, err)
	}
}

// valid holds a JSON document against a schema.
func valid(t *testing.T, sch *jsonschema.Schema, doc string) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err == nil {
		err = sch.Validate(v)
	}
	if err != nil {
		t.Errorf("%v\nin %.300s", err, doc)
	}
}
