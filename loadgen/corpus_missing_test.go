package loadgen

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// patchy is a source that has not read some of its transactions in time.
type patchy struct {
	Source
	from, to int
	prepared int
	fail     error
}

func (p *patchy) Prepare(_ context.Context, first int) error {
	p.prepared = first
	return p.fail
}

func (p *patchy) Piece(i, n, maxBytes int) ([]byte, int) {
	if i >= p.from && i < p.to {
		return nil, 0
	}
	if i < p.from {
		n = min(n, p.from-i)
	}
	return p.Source.Piece(i, n, maxBytes)
}

// What a source does not have in time is dropped by the generator, blamed on
// nobody else, and the rest goes its way. (A busy machine may drop more.)
func TestMissingTransactionsAreDropped(t *testing.T) {
	n := startFake(t, behaviours["commit"])
	src := &patchy{Source: sharedCorpus(), from: 100, to: 137}
	cfg := Config{Addr: n.addr(), Schedule: Constant, RateTxPerSec: 2000, Duration: 150 * time.Millisecond, Corpus: src, FirstTx: 7}
	cfg.Target = &WeirTarget{Addr: n.addr(), Chain: testChain}
	o, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := o.Trial.Counts
	if !o.Trial.Valid || c.Dropped < 37 || c.Sent != c.Offered-c.Dropped || c.Committed != c.Sent || o.Trial.DroppedBy.Generator < 37 {
		t.Errorf("%+v, dropped by %+v: %s", c, o.Trial.DroppedBy, o.Trial.InvalidReason)
	}
	if src.prepared != 7 || len(o.Warnings) != 1 || !strings.HasPrefix(o.Warnings[0], "37 transactions") {
		t.Errorf("prepared from %d, warnings %q", src.prepared, o.Warnings)
	}
	src.fail = errors.New("no disk")
	if _, err := Run(t.Context(), cfg); !errors.Is(err, src.fail) {
		t.Error(err)
	}
}
