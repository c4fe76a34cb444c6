package ci

import (
	"bytes"
	"context"
	"crypto/rand"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// DirPlaceholder in an argument becomes a new folder for every run.
const DirPlaceholder = "{dir}"

// Command is a program to run.
type Command struct {
	Args []string // program first
	// Guessed says, in words, why the arguments are what they are when only a
	// program was named; empty: they were given.
	Guessed string
}

// ParseCommand reads a command line: words separated by blanks, with single and
// double quotes and backslashes as in a shell, and nothing else of a shell. A
// text that names an existing file is that program, blanks and all. more is
// added at the end. A program alone that is a Go test binary is run with its
// benchmarks, one of weir's with `run`: that is what such programs are compared
// by.
func ParseCommand(text string, more []string) (Command, error) {
	var words []string
	if info, err := os.Stat(text); err == nil && !info.IsDir() {
		words = []string{text}
	} else if words, err = splitWords(text); err != nil {
		return Command{}, fmt.Errorf("%w: command %q: %w", ErrSetup, text, err)
	}
	if len(words) == 0 {
		return Command{}, fmt.Errorf("%w: an empty command; name a program, or a command line in quotes", ErrSetup)
	}
	c := Command{Args: append(words, more...)}
	path, err := exec.LookPath(c.Args[0])
	if errors.Is(err, exec.ErrDot) { // a program of the folder, named without ./
		err = nil
	}
	if err == nil {
		// Processes get the same path however the folder is named meanwhile.
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return Command{}, fmt.Errorf("%w: command %q: %w; name a program that can be started", ErrSetup, text, err)
	}
	c.Args[0] = path
	if len(c.Args) == 1 {
		c.guess()
	}
	return c, nil
}

// weirMain is the package path of weir's own command.
const weirMain = "github.com/chainweir/weir/cmd/weir"

// guess adds the arguments that a Go program of a known kind is compared with.
func (c *Command) guess() {
	info, err := buildinfo.ReadFile(c.Args[0])
	if err != nil {
		return // no Go program: it runs as it is
	}
	switch {
	case info.Path == weirMain:
		c.Args = append(c.Args, "run", "--json", "--budget", "20s", "--out", DirPlaceholder+"/run")
		c.Guessed = "a weir binary: compared by weir run"
	case strings.HasSuffix(info.Path, ".test"):
		c.Args = append(c.Args, "-test.run=^$", "-test.bench=.", "-test.benchtime=200ms", "-test.benchmem")
		c.Guessed = "a Go test binary: compared by its benchmarks"
	}
}

// String returns the command as one can type it.
func (c Command) String() string {
	words := make([]string, len(c.Args))
	for i, a := range c.Args {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n\r\"'\\$*?;&|<>()[]#~`") {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// splitWords is the word splitting of a shell, quotes included.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote byte
	inWord, escaped := false, false
	for i := range len(text) { // bytes: what is not ASCII goes through as it is
		r := text[i]
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(r)
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(r)
			inWord = true
		}
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("a quote %c is not closed", quote)
	case escaped:
		return nil, errors.New("it ends with a backslash")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// Runner starts processes.
type Runner struct {
	Base, Head Command
	// Answer picks what must not differ between runs: its first group, or all of
	// the match. Nil: the whole output of a program whose output is of no known
	// form, and nothing beyond its own checks of others.
	Answer *regexp.Regexp
	// AnyAnswer accepts every output that is not of a known form.
	AnyAnswer bool
	Timeout   time.Duration // of one run; 0: none
}

// outputMax is how much a run may print, in bytes.
const outputMax = 64 << 20

// Run starts base or head once. It is a RunFunc.
func (r *Runner) Run(ctx context.Context, arm Arm) (Sample, error) {
	command, failure := r.Base, ErrSetup
	if arm == Head {
		command, failure = r.Head, ErrHead
	}
	args, dir, err := command.prepare()
	if err != nil {
		return Sample{}, fmt.Errorf("%w: %w", ErrSetup, err)
	}
	if dir != "" {
		defer os.RemoveAll(dir)
	}
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.Timeout, errTimeout)
		defer cancel()
	}
	var stdout limited
	var stderr tail
	stdout.left = outputMax
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// A child that keeps the pipes open must not hold this process for ever.
	cmd.WaitDelay = 5 * time.Second
	group(cmd)
	begin := time.Now()
	err = cmd.Start()
	if err != nil {
		return Sample{}, fmt.Errorf("%w: %s: %w", ErrSetup, command, err)
	}
	err = cmd.Wait()
	endGroup(cmd)
	usage := usageOf(cmd.ProcessState, time.Since(begin))
	switch {
	case errors.Is(context.Cause(ctx), errTimeout):
		return Sample{}, fmt.Errorf("%w: %s did not end within %v (--timeout)", failure, command, r.Timeout)
	case ctx.Err() != nil:
		return Sample{}, ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay):
		return Sample{}, fmt.Errorf("%w: %s ended and left a process behind that keeps its output open; let it wait for what it starts", failure, command)
	case stdout.over:
		return Sample{}, fmt.Errorf("%w: %s printed more than %d bytes", failure, command, outputMax)
	}
	code := cmd.ProcessState.ExitCode()
	s, perr := r.read(stdout.Bytes(), usage)
	switch {
	case err != nil && perr == nil && s.Invalid != "":
		return s, nil // weir's own way to say so: a document, and exit code 3
	case err != nil:
		return Sample{}, fmt.Errorf("%w: %s ended with %s: %s", failure, command, exitText(code, err), stderr.last())
	case perr != nil:
		return Sample{}, fmt.Errorf("%w: %s: %w", failure, command, perr)
	}
	return s, nil
}

var errTimeout = errors.New("timeout")

func exitText(code int, err error) string {
	if code >= 0 {
		return fmt.Sprintf("exit code %d", code)
	}
	return err.Error()
}

// prepare makes the folder that the arguments ask for. Its name is random and
// always as long: the length of the arguments moves the stack, and the stack's
// place changes how fast a program is.
func (c Command) prepare() (args []string, dir string, err error) {
	args = append([]string(nil), c.Args...)
	for i, a := range args {
		if !strings.Contains(a, DirPlaceholder) {
			continue
		}
		if dir == "" {
			var id [8]byte
			_, _ = rand.Read(id[:]) // never fails
			dir = filepath.Join(os.TempDir(), "weir-ci-"+hex.EncodeToString(id[:]))
			if err := os.Mkdir(dir, 0o700); err != nil {
				return nil, "", err
			}
		}
		args[i] = strings.ReplaceAll(a, DirPlaceholder, dir)
	}
	return args, dir, nil
}

// limited keeps output up to a bound and notes that there was more.
type limited struct {
	bytes.Buffer
	left int
	over bool
}

func (l *limited) Write(b []byte) (int, error) {
	if len(b) > l.left {
		l.over = true
		return len(b), nil
	}
	l.left -= len(b)
	return l.Buffer.Write(b)
}

// tail keeps the end of what a process wrote to stderr.
type tail struct{ buf []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - 4096; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) last() string {
	s := strings.TrimSpace(string(t.buf))
	if s == "" {
		return "it said nothing"
	}
	lines := strings.Split(s, "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
