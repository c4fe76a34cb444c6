package ci

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSplitWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		"  a  b\tc\n":            {"a", "b", "c"},
		`a 'b c' "d e"`:          {"a", "b c", "d e"},
		`a\ b "c\"d" 'e\f' "\g"`: {"a b", `c"d`, `e\f`, `\g`},
		`'' ""x`:                 {"", "x"},
		`a'b'"c"`:                {"abc"},
		`$HOME *.go`:             {"$HOME", "*.go"},
	} {
		got, err := splitWords(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{`'a`: "not closed", `a "b`: "not closed", `a\`: "backslash"} {
		if _, err := splitWords(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// What String prints is read as the same words again.
func TestCommandStringRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		args := rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "args")
		got, err := splitWords(Command{Args: args}.String())
		if err != nil || !slices.Equal(got, args) {
			t.Fatalf("%q is printed as %s and read as %q, %v", args, Command{Args: args}, got, err)
		}
	})
}

func TestParseCommand(t *testing.T) {
	dir := t.TempDir()
	odd := filepath.Join(dir, "a program")
	if err := os.WriteFile(odd, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := ParseCommand(odd, []string{"-x", "y z"})
	if err != nil || !slices.Equal(c.Args, []string{odd, "-x", "y z"}) {
		t.Errorf("a file with a blank in its name: %q, %v", c.Args, err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if c, err = ParseCommand(exe, nil); err != nil || !slices.Contains(c.Args, "-test.bench=.") || c.Guessed == "" {
		t.Errorf("a Go test binary is run as %q (%q), %v", c.Args, c.Guessed, err)
	}
	if c, err = ParseCommand(exe, []string{"-test.v"}); err != nil || len(c.Args) != 2 || c.Guessed != "" {
		t.Errorf("a test binary with an argument of its own is run as %q, %v", c.Args, err)
	}
	for text, want := range map[string]string{"": "empty command", " ": "empty command", "no-such-program -x": "can be started", "'a": "not closed", dir: "can be started"} {
		if _, err := ParseCommand(text, nil); !errors.Is(err, ErrSetup) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzSplitWords(f *testing.F) {
	f.Add(`a 'b c' "d\"e" f\ g`)
	f.Fuzz(func(t *testing.T, text string) {
		words, err := splitWords(text)
		if err != nil {
			return
		}
		again, err := splitWords(Command{Args: words}.String())
		if err != nil || !slices.Equal(words, again) {
			t.Errorf("%q: %q, then %q, %v", text, words, again, err)
		}
	})
}

func TestRunMeasuresAProcess(t *testing.T) {
	r := helperRunner(t, []string{"print", "42\n"}, []string{"burn", "30000000", "0"})
	s, err := r.Run(t.Context(), Base)
	if err != nil || s.Answer != "42\n" || len(s.Values) < 2 || s.Values[0].Name != "time" || s.Values[0].Aside || !(s.Values[0].Value > 0) {
		t.Fatalf("%+v, %v", s, err)
	}
	h, err := r.Run(t.Context(), Head)
	if err != nil {
		t.Fatal(err)
	}
	base, _ := s.value("cpu_time")
	head, _ := h.value("cpu_time")
	if !(head > base) {
		t.Errorf("thirty million steps took %v s of processor, none took %v", head, base)
	}
	r.Answer = pattern(t, `(\d)\d`)
	if s, err = r.Run(t.Context(), Control); err != nil || s.Answer != "4" {
		t.Errorf("answer %q, %v: want the first group", s.Answer, err)
	}
	r.Answer = nil
	r.AnyAnswer = true
	if s, err = r.Run(t.Context(), Control); err != nil || s.Answer != "" {
		t.Errorf("answer %q, %v: want none", s.Answer, err)
	}
	r.Answer = pattern(t, `x=`)
	if _, err = r.Run(t.Context(), Base); !errors.Is(err, ErrSetup) || !strings.Contains(err.Error(), "nothing matches --answer x=") {
		t.Errorf("an output without an answer: %v", err)
	}
}

func TestRunThatFails(t *testing.T) {
	r := helperRunner(t, []string{"fail", ""}, []string{"fail", ""})
	for arm, want := range map[Arm]error{Base: ErrSetup, Control: ErrSetup, Head: ErrHead} {
		_, err := r.Run(t.Context(), arm)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "exit code 3: the reason") {
			t.Errorf("%v: %v, want %v with the exit code and the last words", arm, err, want)
		}
	}
	// weir's own way to call a run invalid is no error of the program.
	r = helperRunner(t, []string{"fail", `{"schema":"weir.run/1","valid":false,"warnings":["generator was late"]}`}, nil)
	if s, err := r.Run(t.Context(), Base); err != nil || s.Invalid != "generator was late" {
		t.Errorf("an invalid run: %+v, %v", s, err)
	}
	r = helperRunner(t, []string{"hang"}, []string{"hang"})
	r.Timeout = 100 * time.Millisecond
	if _, err := r.Run(t.Context(), Head); !errors.Is(err, ErrHead) || !strings.Contains(err.Error(), "within 100ms") {
		t.Errorf("a run that hangs: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Run(ctx, Base); !errors.Is(err, context.Canceled) {
		t.Errorf("after Ctrl-C: %v", err)
	}
	r.Base = Command{Args: []string{filepath.Join(t.TempDir(), "gone")}}
	if _, err := r.Run(t.Context(), Base); !errors.Is(err, ErrSetup) {
		t.Errorf("a program that has gone: %v", err)
	}
}

func TestRunGetsANewFolder(t *testing.T) {
	c := Command{Args: []string{"x", "--out", DirPlaceholder + "/run", DirPlaceholder}}
	one, first, err := c.prepare()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(first)
	two, second, err := c.prepare()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(second)
	if first == second || len(first) != len(second) || one[2] != first+"/run" || two[3] != second || c.Args[3] != DirPlaceholder {
		t.Errorf("folders %q and %q, arguments %q and %q", first, second, one, two)
	}
	r := helperRunner(t, []string{"dir", DirPlaceholder}, nil)
	if _, err := r.Run(t.Context(), Base); err != nil {
		t.Errorf("a program that writes into its folder: %v", err)
	}
}
