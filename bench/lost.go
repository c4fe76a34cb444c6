package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/results"
)

// ErrCutShort says that measuring had begun and could not go on, because the
// target was lost or something beside it failed. The record holds what was
// measured until then, and is not valid.
var ErrCutShort = errors.New("the run was cut short")

// cutShort tells what ended a run that had begun to measure, and when. Errors
// that came earlier, and those of the settings, of the record and of an
// interruption, stay what they are.
func (r *run) cutShort(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || isConfig(err) || errors.Is(err, results.ErrWrite) {
		return err
	}
	now, name, tr := time.Now(), r.cfg.Target, r.trials
	if name == "" {
		name = "the node"
	}
	var first string
	switch n := len(tr.done); {
	case n == 0 && (r.cfg.Target == "" || !gone(err)):
		return err
	case n == 0: // it was there when the run looked for it
		first = name + " was lost before the first trial"
	case tr.broke != "":
		first = fmt.Sprintf("%s was lost in trial %d: %s; after it", name, tr.done[n-1].ID, tr.broke)
	default:
		first = fmt.Sprintf("%s was lost after trial %d", name, tr.done[n-1].ID)
	}
	return fmt.Errorf("%w %.1f s after its start, at %s UTC: %s: %w",
		ErrCutShort, now.Sub(r.started).Seconds(), now.UTC().Format(time.TimeOnly), first, err)
}

// gone tells whether an error is the end of a connection, or that there is none.
func gone(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, client.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
