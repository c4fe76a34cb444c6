package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chainweir/weir/core/client"
)

func TestPatiently(t *testing.T) {
	busy := &client.BusyError{RetryAfter: time.Microsecond, Text: "too many questions"}
	other := errors.New("another error")
	for name, answers := range map[string][]error{
		"at once": {nil}, "busy first": {busy, busy, nil}, "refused": {busy, other},
	} {
		var asked int
		err := patiently(t.Context(), func() error {
			asked++
			return answers[asked-1]
		})
		if asked != len(answers) || !errors.Is(err, answers[len(answers)-1]) {
			t.Errorf("%s: asked %d times of %d, %v", name, asked, len(answers), err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := patiently(ctx, func() error {
		cancel()
		return &client.BusyError{RetryAfter: time.Hour}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v after the context ended", err)
	}
}
