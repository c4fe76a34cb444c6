package core

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
	"github.com/chainweir/weir/hash"
)

// Errors of looking a transaction up.
var (
	ErrNoIndex    = errors.New("this node keeps no transaction index")
	ErrNotIndexed = errors.New("not indexed yet")
)

// indexDir is where the index lies in the data directory. It holds nothing that
// the log does not: without it the node makes it again.
const indexDir = "txindex"

// runTxs is how many transactions the index keeps in memory (32 bytes each, and
// as much again while they are written) before they become a run.
const runTxs = 1 << 18

// txIndex finds transactions by identifier and by sender and nonce. It follows
// the durable log in a goroutine of its own, so that no block waits for it.
//
// The last transactions are in memory, unsorted, and searched one by one; the
// others are in runs (see run), 32 bytes for each transaction. Two runs are
// merged when the older is less than twice as long as the newer, so there are
// about log2(transactions/runTxs) of them. What was in memory when the node
// stopped is read from the log again.
type txIndex struct {
	fs     store.FS
	dir    string
	chain  tx.ChainID
	runTxs int

	mu     sync.RWMutex // never held across I/O
	next   uint64       // the first height that is not indexed
	from   uint64       // the first height in memory
	recent [numTables][]entry
	runs   []*run // ascending heights
	err    error  // what ended it

	block   [numTables][]entry // scratch: one block's
	sorted  [numTables][]entry // scratch: a run's
	signing []byte             // scratch
	done    chan struct{}
}

func newIndex(fs store.FS, dir string, chain tx.ChainID, runTxs int) *txIndex {
	return &txIndex{fs: fs, dir: filepath.Join(dir, indexDir), chain: chain, runTxs: runTxs, next: 1, from: 1, done: make(chan struct{})}
}

// follow indexes the log until ctx ends. Its errors end the index, not the node.
func (x *txIndex) follow(ctx context.Context, n *Node) {
	defer close(x.done)
	err := x.load(ctx, n.durable.height.Load())
	for err == nil {
		x.skip(n) // what is pruned, or was never here
		x.mu.RLock()
		next := x.next
		x.mu.RUnlock()
		if err = n.durable.wait(ctx, next); err != nil {
			break
		}
		err = n.log.Scan(next, func(height uint64, payload []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return x.add(ctx, height, payload)
		})
		if errors.Is(err, store.ErrNotFound) && x.skip(n) {
			err = nil // blocks were pruned before they were indexed
		}
	}
	x.mu.Lock()
	x.err = err
	runs := x.runs
	x.runs = nil
	x.mu.Unlock()
	for _, r := range runs {
		_ = x.release(r) // closes a file that was only read
	}
}

// skip goes on from the first block that the log still has, if that is a later
// one.
func (x *txIndex) skip(n *Node) bool {
	first := beginsWith(n.log)
	x.mu.Lock()
	defer x.mu.Unlock()
	if first <= x.next {
		return false
	}
	x.next = first
	return true
}

// add indexes one block.
func (x *txIndex) add(ctx context.Context, height uint64, payload []byte) error {
	rest := payload[tx.HeaderSize:]
	for t := range x.block {
		x.block[t] = x.block[t][:0]
	}
	for i := 0; len(rest) > 0; i++ {
		n, err := tx.Length(rest)
		if err != nil {
			return fmt.Errorf("block %d, transaction %d: %w", height, i, err)
		}
		v, place := tx.View(rest[:n]), placeOf(height, i)
		x.signing = v.AppendSigning(x.signing[:0], &x.chain)
		id := hash.SHA256(x.signing)
		x.block[byID] = append(x.block[byID], entry{idKey(id), place})
		x.block[byNonce] = append(x.block[byNonce], entry{nonceKey(v.From(), v.Nonce()), place})
		rest = rest[n:]
	}
	x.mu.Lock()
	for t := range x.recent {
		x.recent[t] = append(x.recent[t], x.block[t]...)
	}
	x.next = height + 1
	full := len(x.recent[byID]) >= x.runTxs
	x.mu.Unlock()
	if !full {
		return nil
	}
	return x.seal(ctx)
}

func idKey(id [32]byte) uint64 { return binary.LittleEndian.Uint64(id[:]) }

func nonceKey(sender uint32, nonce uint64) uint64 { return uint64(sender)<<32 | nonce&(1<<32-1) }

// seal makes a run of what is in memory, and merges runs. Only follow calls it,
// so nothing changes meanwhile; lookups go on in what there was. When ctx ends it
// gives up, and what was in memory is read from the log again at the next start.
func (x *txIndex) seal(ctx context.Context) error {
	var tables [numTables]source
	for t := range x.sorted {
		x.sorted[t] = append(x.sorted[t][:0], x.recent[t]...)
		slices.SortFunc(x.sorted[t], compareEntries)
		if err := ctx.Err(); err != nil {
			return err
		}
		tables[t] = sliceSource(x.sorted[t])
	}
	s := span{first: x.from, last: x.next - 1, txs: uint64(len(x.sorted[byID]))}
	r, err := writeRun(ctx, x.fs, x.dir, &x.chain, s, tables)
	if err != nil {
		return fmt.Errorf("writing the index: %w", err)
	}
	x.mu.Lock()
	x.runs = append(x.runs, r)
	x.from = x.next
	for t := range x.recent {
		x.recent[t] = x.recent[t][:0]
	}
	x.mu.Unlock()
	for k := len(x.runs); k >= 2 && x.runs[k-2].txs < 2*x.runs[k-1].txs; k = len(x.runs) {
		if err := x.merge(ctx); err != nil {
			return fmt.Errorf("merging the index: %w", err)
		}
	}
	return nil
}

// merge makes one run of the last two.
func (x *txIndex) merge(ctx context.Context) error {
	k := len(x.runs) - 2
	a, b := x.runs[k], x.runs[k+1]
	var tables [numTables]source
	for t := range tables {
		tables[t] = mergeSources(a.source(indexTable(t)), b.source(indexTable(t)))
	}
	r, err := writeRun(ctx, x.fs, x.dir, &x.chain, span{first: a.first, last: b.last, txs: a.txs + b.txs}, tables)
	if err != nil {
		return err
	}
	x.mu.Lock()
	x.runs = append(slices.Clone(x.runs[:k]), r) // lookups keep the old slice
	a.gone, b.gone = true, true
	x.mu.Unlock()
	return errors.Join(x.release(a), x.release(b))
}

// load opens the runs that the directory has, up to height head, and removes
// whatever is not a run in unbroken order.
func (x *txIndex) load(ctx context.Context, head uint64) error {
	if err := x.fs.Mkdir(x.dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	names, err := x.fs.ReadDir(x.dir)
	if err != nil {
		return err
	}
	var spans []span
	for _, name := range names {
		var s span
		if _, err := fmt.Sscanf(name, runPattern, &s.first, &s.last); err != nil || s.name() != name {
			if strings.HasPrefix(name, ".tmp-") {
				_ = x.fs.Remove(filepath.Join(x.dir, name)) // only room is lost if it stays
			}
			continue
		}
		spans = append(spans, s)
	}
	// Of runs with one beginning the longest is the merged one.
	slices.SortFunc(spans, func(a, b span) int {
		return compareEntries(entry{a.first, ^a.last}, entry{b.first, ^b.last})
	})
	next := uint64(1)
	for _, s := range spans {
		path := filepath.Join(x.dir, s.name())
		r, err := (*run)(nil), errRun
		if s.first == next && s.last <= head {
			r, err = openRun(ctx, x.fs, path, &x.chain)
		}
		if errors.Is(err, errRun) {
			err = x.fs.Remove(path) // it is made again from the log
		}
		if err != nil {
			return err
		}
		if r != nil {
			next = r.last + 1
			x.mu.Lock()
			x.runs, x.next, x.from = append(x.runs, r), next, next
			x.mu.Unlock()
		}
	}
	return nil
}

// release lets go of a run.
func (x *txIndex) release(r *run) error {
	x.mu.Lock()
	r.refs--
	last, gone := r.refs == 0, r.gone
	x.mu.Unlock()
	if !last {
		return nil
	}
	err := r.f.Close()
	if gone {
		err = errors.Join(err, x.fs.Remove(filepath.Join(x.dir, r.name())))
	}
	return err
}

// find returns the places that may hold what has the key. If none of them does,
// the error that it returns as missing is the answer.
func (x *txIndex) find(t indexTable, key, head uint64) (places []entry, missing, err error) {
	x.mu.Lock()
	if err = x.err; err != nil {
		x.mu.Unlock()
		return nil, nil, fmt.Errorf("%w: indexing stopped: %w; restart the node when that is mended", ErrNoIndex, err)
	}
	for _, e := range x.recent[t] {
		if e.key == key {
			places = append(places, e)
		}
	}
	indexed := x.next - 1
	runs := slices.Clone(x.runs)
	for _, r := range runs {
		r.refs++
	}
	x.mu.Unlock()
	for i := len(runs) - 1; i >= 0; i-- {
		if err == nil {
			places, err = runs[i].find(places, t, key)
		}
		err = errors.Join(err, x.release(runs[i]))
	}
	// What is missing now may be in a block that came while it was looked for: the
	// head is that of the question.
	missing = fmt.Errorf("%w: no such transaction in the blocks up to %d", ErrNotFound, indexed)
	if indexed < head {
		missing = fmt.Errorf("%w: it is not in the blocks up to %d, and those up to %d are still to be indexed; ask again", ErrNotIndexed, indexed, head)
	}
	return places, missing, err
}

// health is the last indexed height and the index's state.
func (x *txIndex) health(head uint64) (height uint64, state uint8) {
	if x == nil {
		return 0, wire.IndexOff
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	switch {
	case x.err != nil:
		return x.next - 1, wire.IndexOff
	case x.next-1 < head:
		return x.next - 1, wire.IndexCatchingUp
	}
	return x.next - 1, wire.IndexReady
}

// TxByHash returns a durable transaction by its identifier. Errors: ErrNoIndex,
// ErrNotIndexed, ErrNotFound.
func (n *Node) TxByHash(ctx context.Context, id tx.ID) (TxAnswer, error) {
	return n.lookup(ctx, byID, idKey(id), func(v tx.View) bool { return v.ID(&n.chain) == id })
}

// TxByNonce returns a durable transaction by its sender's slot and its nonce.
// Errors as TxByHash.
func (n *Node) TxByNonce(ctx context.Context, sender uint32, nonce uint64) (TxAnswer, error) {
	return n.lookup(ctx, byNonce, nonceKey(sender, nonce), func(v tx.View) bool {
		return v.From() == sender && v.Nonce() == nonce
	})
}

func (n *Node) lookup(ctx context.Context, t indexTable, key uint64, is func(tx.View) bool) (TxAnswer, error) {
	if n.index == nil {
		return TxAnswer{}, fmt.Errorf("%w: start it with one (Config.Index, weir node --index), or ask by height and index", ErrNoIndex)
	}
	places, missing, err := n.index.find(t, key, n.durable.height.Load())
	if err != nil {
		return TxAnswer{}, err
	}
	for _, p := range places {
		a, err := n.Transaction(ctx, p.height(), p.index())
		if err != nil {
			return a, err
		}
		if is(a.Tx) {
			return a, nil
		}
	}
	return TxAnswer{}, missing
}
