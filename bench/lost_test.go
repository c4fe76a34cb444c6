package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/results"
)

// TestCutShort: which errors make a run invalid, and which leave it one that
// could not be done as it was asked for.
func TestCutShort(t *testing.T) {
	refused := fmt.Errorf("trial 2 could not be run: %w", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
	closed := fmt.Errorf("trial 1 could not be run: %w: %w", client.ErrClosed, io.EOF)
	busy := errors.New("1000 bytes still wait in the node")
	one := []results.Trial{{ID: 1}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		target string
		done   []results.Trial
		broke  string
		err    error
		want   string // empty: stays what it is
	}{
		"in a trial":                       {t.Context(), "h:1", one, "connection 1 broke", refused, "h:1 was lost in trial 1: connection 1 broke; after it: trial 2 could not be run"},
		"between trials":                   {t.Context(), "h:1", one, "", busy, "h:1 was lost after trial 1: 1000 bytes"},
		"before the first":                 {t.Context(), "h:1", nil, "", closed, "h:1 was lost before the first trial: trial 1"},
		"nobody listens before the first":  {t.Context(), "h:1", nil, "", refused, "h:1 was lost before the first trial"},
		"our own node":                     {t.Context(), "", one, "", refused, "the node was lost after trial 1"},
		"our own node, before the first":   {t.Context(), "", nil, "", closed, ""},
		"not the target, before the first": {t.Context(), "h:1", nil, "", busy, ""},
		"interrupted":                      {ended, "h:1", one, "", context.Canceled, ""},
		"bad settings":                     {t.Context(), "h:1", one, "", fmt.Errorf("%w: no budget", knee.ErrBadConfig), ""},
		"a record that cannot be written":  {t.Context(), "h:1", one, "", fmt.Errorf("%w: no space", results.ErrWrite), ""},
		"a run that came to its end":       {t.Context(), "h:1", one, "", nil, ""},
	} {
		r := &run{cfg: Config{Target: c.target}, started: time.Now().Add(-time.Minute), trials: &trials{done: c.done, broke: c.broke}}
		got := r.cutShort(c.ctx, c.err)
		if c.want == "" {
			if got != c.err { //nolint:errorlint // the very same
				t.Errorf("%s: %v, want %v as it was", name, got, c.err)
			}
			continue
		}
		if !errors.Is(got, ErrCutShort) || !errors.Is(got, c.err) || !strings.Contains(got.Error(), c.want) || !strings.Contains(got.Error(), "the run was cut short ") {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
}
