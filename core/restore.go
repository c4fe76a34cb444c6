package core

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// restore finds where to start: the newest snapshot that is right and belongs
// to the log, else genesis. It returns the snapshots that it did not use, and
// fails when blocks that would be needed are pruned.
func restore(gen *genesis.Genesis, snaps *snapshots, log *store.Log) (*replayer, []refusal, error) {
	heights, err := snaps.list()
	if err != nil {
		return nil, nil, err
	}
	var refused []refusal
	for _, height := range heights {
		r, err := restoreFrom(gen, snaps, log, height)
		if err == nil {
			return r, refused, nil
		}
		if errors.Is(err, errAhead) {
			return nil, refused, fmt.Errorf("%w: snapshot %d is whole, and %w: snapshots are written after their blocks, so blocks that "+
				"were acknowledged are lost; restore the folder blocks from a copy, or remove %s to accept the loss",
				ErrBadChain, height, err, snaps.file(height))
		}
		refused = append(refused, refusal{height, err})
	}
	if first := beginsWith(log); first > 1 {
		why := "there is none"
		if len(refused) > 0 {
			why = strings.Join(refusals(refused), "; ")
		}
		return nil, refused, fmt.Errorf("%w: blocks 1 to %d were never here or are pruned, so a snapshot is needed, and no snapshot can be used (%s); "+
			"restore the folder snapshots from a copy, or import the chain into a new directory", ErrBadChain, first-1, why)
	}
	r, err := newReplayer(gen)
	return r, refused, err
}

// restoreFrom loads one snapshot, if the log has its block and what follows.
func restoreFrom(gen *genesis.Genesis, snaps *snapshots, log *store.Log, height uint64) (*replayer, error) {
	// What the log says costs little; the ledger is read last.
	f, h, _, err := snaps.open(snaps.file(height), height)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	ahead := inLog(log, h)
	if ahead != nil && !errors.Is(ahead, errAhead) {
		return nil, ahead
	}
	st, h, err := snaps.read(height)
	if err == nil {
		err = ahead
	}
	if err != nil {
		return nil, err
	}
	return resumeReplayer(gen, st, h), nil
}

// errAhead says that the log lacks the snapshot's block.
var errAhead = errors.New("it is ahead of the log")

// inLog checks that the log has the snapshot's block, or the one after it.
func inLog(log *store.Log, h *snapshotHead) error {
	head, ok := log.Head()
	if next, anchor, restarted := log.Anchor(); !ok && restarted && next == h.height+1 && anchor == [32]byte(h.hash) {
		return nil // the log was emptied for this very snapshot
	}
	if !ok || h.height > head {
		return fmt.Errorf("%w: %w, which ends with block %d", ErrSnapshot, errAhead, head)
	}
	first, _ := log.First()
	switch {
	case h.height >= first:
		b, err := headerOf(log, h.height)
		if err != nil {
			return err
		}
		if got := b.Hash(&h.chain); got != h.hash {
			return fmt.Errorf("%w: it is of a block with hash %x, block %d of the log has %x", ErrSnapshot, h.hash[:8], h.height, got[:8])
		}
	case h.height == first-1:
		b, err := headerOf(log, first)
		if err != nil {
			return err
		}
		if b.Prev != h.hash {
			return fmt.Errorf("%w: it is of a block with hash %x, block %d of the log follows one with %x", ErrSnapshot, h.hash[:8], first, b.Prev[:8])
		}
	default:
		return fmt.Errorf("%w: the log begins with block %d, those between are pruned", ErrSnapshot, first)
	}
	return nil
}

// beginsWith is the lowest height that the log has, or, while it is empty, will
// have.
func beginsWith(log *store.Log) uint64 {
	if first, ok := log.First(); ok {
		return first
	}
	if next, ok := log.Next(); ok {
		return next
	}
	return 1
}

func headerOf(log *store.Log, height uint64) (tx.Header, error) {
	record, err := log.Read(height, nil)
	if err != nil {
		return tx.Header{}, err
	}
	return tx.ParseHeader(record)
}

// oldestUsable returns the replayer of the oldest snapshot that is right, with
// what was refused. It returns nil when there is none.
func oldestUsable(gen *genesis.Genesis, snaps *snapshots, log *store.Log) (*replayer, []refusal, error) {
	heights, err := snaps.list()
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(heights)
	var refused []refusal
	for _, height := range heights {
		r, err := restoreFrom(gen, snaps, log, height)
		if err == nil {
			return r, refused, nil
		}
		if !errors.Is(err, ErrSnapshot) {
			return nil, refused, err
		}
		refused = append(refused, refusal{height, err})
	}
	return nil, refused, nil
}
