package merklefield

import (
	"fmt"
	"runtime"
	"time"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/merkle"
)

// Names of contestants.
const (
	gohashtreeName = "gohashtree"
	transparency   = "transparency"
	cometbft       = "cometbft"
	std            = "crypto/sha256"
	kernelName     = "kernel × nodes"
)

// Notes that tell what a peer is.
const (
	transparencyNote = "transparency-dev/merkle"
	cometbftNote     = "crypto/merkle"
)

const mebi = 1 << 20

// job does a row's work once.
type job = func(dst []byte) error

// Specs lists all rows in the order of the report.
func Specs() []field.Spec {
	return []field.Spec{
		named("ssz 1Mi leaves", func() (field.Row, error) { return sszRow(mebi) }),
		named("ssz 1Mi leaves, two cores", func() (field.Row, error) { return sszTwoCores(mebi) }),
		named("rfc6962 1Mi × 200 B", func() (field.Row, error) { return logRow(mebi, 200) }),
		named("rfc6962 1Mi leaf hashes", func() (field.Row, error) { return interiorRow(mebi) }),
		named("cometbft 10000 × 250 B", func() (field.Row, error) { return cometRow(10_000, 250) }),
		named("bitcoin 4000 txids", func() (field.Row, error) { return bitcoinRow(4000) }),
		named("update 1000 of 1Mi, rfc6962", func() (field.Row, error) { return updateRow(merkle.RFC6962, logPair, mebi, 1000) }),
		named("update 1000 of 1Mi, ssz", func() (field.Row, error) { return updateRow(merkle.SSZ, plainPair, mebi, 1000) }),
		named("update 10000 of 1Mi, two cores", func() (field.Row, error) { return updateTwoCores(merkle.RFC6962, logPair, mebi, 10_000) }),
		named("verify 10000 of depth 20", func() (field.Row, error) { return verifyRow(mebi, 10_000) }),
	}
}

func named(name string, maker func() (field.Row, error)) field.Spec {
	return field.Spec{Name: name, Make: func() (field.Row, error) {
		row, err := maker()
		if err != nil {
			return field.Row{}, fmt.Errorf("%s: %w", name, err)
		}
		row.Name = name
		return row, nil
	}}
}

// rooter is a builder that is used again, as a node uses it for every block.
func rooter(s *merkle.Scheme, in merkle.Input, workers int) job {
	b := merkle.NewBuilder(s, workers)
	return func(dst []byte) error {
		root, err := b.RootOf(background, in)
		copy(dst, root[:])
		return err
	}
}

// ours are a builder and, as the control, another one on the same input. The
// note has what a root allocates once buffers have grown.
func ours(s *merkle.Scheme, in merkle.Input, workers int) []contest.Contestant {
	run := rooter(s, in, workers)
	note := fmt.Sprintf("%d allocations a root", allocations(run))
	return []contest.Contestant{
		{Name: field.Weir, Role: contest.Ours, Note: note, Run: run},
		{Name: field.WeirAgain, Role: contest.Control, Run: rooter(s, in, workers)},
	}
}

// allocations counts those of one call after a first one: the least of some
// calls, because others of the program's goroutines may allocate too.
func allocations(run job) uint64 {
	dst := make([]byte, merkle.HashSize)
	least := ^uint64(0)
	var before, after runtime.MemStats
	for range 4 {
		runtime.ReadMemStats(&before)
		err := run(dst)
		runtime.ReadMemStats(&after)
		if err == nil { // what is wrong is for the contest to say
			least = min(least, after.Mallocs-before.Mallocs)
		}
	}
	return least
}

func peer(name, note string, run job) contest.Contestant {
	return contest.Contestant{Name: name, Role: contest.Peer, Note: note, Run: run}
}

// collected is a peer whose garbage would fill the memory during a row, where
// nothing is collected. Between calls it is, with the clock stopped.
func collected(name, note string, run job) contest.Contestant {
	return contest.Contestant{Name: name, Role: contest.Peer, Note: note, Timed: func(dst []byte) (time.Duration, error) {
		begin := time.Now()
		err := run(dst)
		took := time.Since(begin)
		runtime.GC()
		return took, err
	}}
}
