//go:build !linux

package netlab_test

import (
	"context"
	"errors"
	"testing"

	"github.com/chainweir/weir/bench/netlab"
)

func runTestRole() {}

func TestNotSupported(t *testing.T) {
	if _, err := netlab.Open(context.Background(), netlab.Config{RateBitsPerSec: 1_000_000}); !errors.Is(err, netlab.ErrNotSupported) {
		t.Errorf("Open = %v, want ErrNotSupported", err)
	}
	if _, err := netlab.Leftovers(); !errors.Is(err, netlab.ErrNotSupported) {
		t.Errorf("Leftovers = %v, want ErrNotSupported", err)
	}
}
