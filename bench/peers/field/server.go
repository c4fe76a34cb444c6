package field

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
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
	run := newServerJob(msgs)
	if run == nil {
		return errors.New(serverUnavailable())
	}
	dst := make([]byte, len(msgs)*digestSize)
	took, err := timeServer(run, dst)
	says := serverSays{NSPerCall: took}
	if err != nil {
		says.Error = err.Error()
	}
	line, err := json.Marshal(says)
	if err != nil {
		return err
	}
	_, err = out.Write(append(append(line, '\n'), dst...))
	return err
}

// errServerDiffers is a wrong answer: which of the two it is does not matter.
var errServerDiffers = errors.New("two calls gave different digests")

// timeServer returns the mean nanoseconds of a call. All calls must give the
// same digests, so that those it leaves in dst, which the process that asked
// checks, stand for all of them.
func timeServer(run job, dst []byte) (nsPerCall float64, err error) {
	if err := run(dst); err != nil { // warms up
		return 0, err
	}
	first := slices.Clone(dst)
	calls, sum := 0, time.Duration(0)
	for calls == 0 || calls < serverMaxCalls && sum < serverSample {
		clear(dst) // a call that writes nothing must not find the last one's answer
		begin := time.Now()
		err := run(dst)
		sum += time.Since(begin)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(dst, first) {
			return 0, errServerDiffers
		}
		calls++
	}
	return float64(sum) / float64(calls), nil
}
