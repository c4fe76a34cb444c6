package field

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/chainweir/weir/bench/peers/contest"
)

// minio's Avx512Server runs in a process of its own, started for each sample:
// its goroutine cannot be stopped, and while it has nothing to do it looks for
// work every microsecond, on a core that the others are measured on.

// serverVariable names the row that a process is to play the server for.
const serverVariable = "WEIR_HASHPEERS_AVX512SERVER"

// Limits of that process.
const (
	serverTimeout  = 5 * time.Second
	serverSample   = 2 * time.Millisecond
	serverMaxCalls = 100
)

// serverSays is the first line of its output; the digests follow.
type serverSays struct {
	NSPerCall float64 `json:"ns_per_call"`
	Error     string  `json:"error,omitempty"`
}

// avx512Server is the contestant in the row of that name.
func avx512Server(row string) contest.Contestant {
	return contest.Contestant{
		Name: "minio Avx512Server", Role: contest.Peer, Note: "16 goroutines, own process",
		LeftOut: serverUnavailable(),
		Timed:   func(dst []byte) (time.Duration, error) { return askServer(row, dst) },
	}
}

func askServer(row string, dst []byte) (time.Duration, error) {
	program, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("starting the server's process: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), serverTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), serverVariable+"="+row)
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("the server's process: %w", errors.Join(err, ctx.Err()))
	}
	return readServer(out, dst)
}

func readServer(out, dst []byte) (time.Duration, error) {
	var says serverSays
	var rest []byte
	for i, b := range out {
		if b == '\n' {
			if err := json.Unmarshal(out[:i], &says); err != nil {
				return 0, fmt.Errorf("the server's process: %w", err)
			}
			rest = out[i+1:]
			break
		}
	}
	switch {
	case says.Error != "":
		return 0, fmt.Errorf("the server's process: %s", says.Error)
	case len(rest) != len(dst):
		return 0, fmt.Errorf("the server's process gave %d bytes of digests, want %d", len(rest), len(dst))
	}
	copy(dst, rest)
	return time.Duration(says.NSPerCall), nil
}

// PlayServer does what a process that was started by [askServer] has to do,
// and reports whether this is one. Programs that measure call it first.
func PlayServer(out io.Writer) (played bool, err error) {
	name := os.Getenv(serverVariable)
	if name == "" {
		return false, nil
	}
	for _, b := range manyBatches {
		if "sha256_many "+b.name == name {
			return true, playServer(out, messages(b.sizes))
		}
	}
	return true, fmt.Errorf("%s: there is no row %q", serverVariable, name)
}

func playServer(out io.Writer, msgs [][]byte) error {
	run, dst := newServerJob(msgs), make([]byte, len(msgs)*digestSize)
	if run == nil {
		return errors.New(serverUnavailable())
	}
	says := serverSays{}
	if err := run(dst); err != nil { // warms up
		says.Error = err.Error()
	}
	clear(dst)
	calls, begin := 0, time.Now()
	for calls < serverMaxCalls && says.Error == "" && (calls == 0 || time.Since(begin) < serverSample) {
		if err := run(dst); err != nil {
			says.Error = err.Error()
		}
		calls++
	}
	says.NSPerCall = float64(time.Since(begin)) / float64(max(1, calls))
	line, err := json.Marshal(says)
	if err != nil {
		return err
	}
	_, err = out.Write(append(append(line, '\n'), dst...))
	return err
}
