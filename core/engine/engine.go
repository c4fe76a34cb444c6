// Package engine is the border between the node and what decides the order of
// its blocks: one process alone (package solo), a group that tolerates crashes
// (raft), or one that tolerates liars (BFT).
//
// An engine orders references, never transactions. A Ref names a batch by the
// hash of its content; 40 bytes stand for hundreds of transactions, so that even
// a slow engine orders more of them than a node can verify. The batches
// themselves travel another way, and a node proposes a reference only after it
// has the batch and has checked it.
//
//	batches ──verified──▶ kept by digest ──────────────┐
//	                          │ Propose(ref)           │ looked up
//	                          ▼                        ▼
//	                       Engine ──Commit(refs)──▶ execute ▶ roots ▶ log
//
// # What an engine promises
//
// Commit is called from one goroutine, with the same decisions in the same order
// on every node. Each decision has a number, one above the last, and a time that
// all nodes see alike and that is later than the last one's: it becomes the
// block's time, so that the header is the same everywhere. A decision whose
// transactions all fail in execution makes no block, which is why the number may
// run ahead of the chain's height.
//
// A decision may be delivered again after a restart, as a replicated log does
// from its last snapshot on. The node recognises it by its time: one that is not
// after the time of the last durable block has been applied. Those that made no
// block are executed again and make none again, because the ledger is the same.
//
// # What an engine for many nodes adds
//
// It calls Check before it votes for, or appends, a reference that another node
// proposed; false means that the batch is not here yet or does not have the
// counts that the reference claims, and the vote waits for the batch. Commit may
// block until a missing batch has been fetched by its digest. A node that was away
// for so long that the others no longer keep what it missed is given another's
// snapshot of the ledger (Snapshot, Restore), closed and opened again: its engine
// then goes on after the snapshot's block, and no stage has to change its ledger
// under way.
//
// The members that vote are accounts whose membership says Validator. They
// change by transactions: after each block the node tells the changed slots
// (state.RoleChanges), and the engine's adapter, which the node owns, turns them
// into the engine's own act: AddVoter and RemoveServer in raft, validator
// updates in a BFT engine. The change takes effect no earlier than the decision
// after the one that carries it, and since every node executes the same blocks,
// every node derives the same set. Stages before and behind the engine do not
// change.
package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/chainweir/weir/hash"
)

// Errors of Propose and, ErrReopen, of Restore.
var (
	ErrClosed  = errors.New("ordering engine is closed")
	ErrReopen  = errors.New("the node took another's snapshot over and has to be opened again")
	ErrUnknown = errors.New("batch is not known to the node that is asked to order it")
)

// Ref names a batch of verified transactions. It is what engines order.
type Ref struct {
	Digest [32]byte // see Digest
	Txs    uint32   // transactions
	Bytes  uint32   // their encodings together
}

// digestTag separates batch digests from every other hash.
const digestTag = "weirbt1"

// Digest is the name of a batch: SHA-256(tag ‖ count u32 ‖ root), where root is
// the RFC 6962 tree hash of its transactions. The tree's leaves are those of the
// block's transaction tree, so whoever names a batch has hashed its transactions
// for good.
func Digest(count uint32, root [32]byte) [32]byte {
	var buf [len(digestTag) + 4 + len(root)]byte
	b := append(buf[:0], digestTag...)
	b = binary.LittleEndian.AppendUint32(b, count)
	b = append(b, root[:]...)
	return hash.SHA256(b)
}

// Decision is what an engine has decided: the content of one block, unless all
// of it fails in execution.
type Decision struct {
	Number uint64 // one above that of the decision before
	TimeNS uint64 // Unix time, the same on every node, later than the one before
	Refs   []Ref  // valid during the call
}

// App is the node as its engine sees it.
type App interface {
	// Check tells whether the batch is here with all signatures verified, and
	// has the counts that the reference says.
	Check(ref Ref) bool
	// Commit takes a decision. It blocks while the stages behind are full, which
	// is how they slow the engine down; it returns before the block is durable.
	// An error ends the engine.
	Commit(ctx context.Context, d Decision) error
	// Snapshot writes a consistent copy of the ledger to w while the node goes
	// on, and returns the block that it is of: all that a node needs to go on
	// after that block, but genesis. It waits until the block is durable, and for
	// another Snapshot that is under way. A chain without a block has none.
	Snapshot(w io.Writer) (Point, error)
	// Restore reads a snapshot that another node of the chain wrote. If this one
	// has its block already, nothing happens and the error is nil. Otherwise the
	// snapshot is verified and kept, the node stops, and the error is ErrReopen:
	// the engine ends with it, the node is closed and opened again, and its next
	// engine goes on after the snapshot. After any other error nothing has
	// changed. Called from Commit's goroutine.
	//
	// It proves that the ledger is the one that its header commits to, and that
	// the header is of this chain's form; that the nodes agreed on this header,
	// only the engine knows.
	Restore(r io.Reader) error
}

// Point is where a snapshot stands in the order of decisions.
type Point struct {
	// Number is that of the decision that made the block; 0 when the node does
	// not know it, because it was started since: the engine then knows the
	// decision by its time.
	Number uint64
	TimeNS uint64
	Height uint64
	Hash   [32]byte // of the block
}

// Config is what a node tells its engine: when a block is full, and where
// numbers and times go on.
type Config struct {
	MaxTxs   int           // cut before a block would hold more transactions
	MaxBytes int           // cut before a block would hold more bytes
	Interval time.Duration // cut this long after the block's first reference
	Queue    int           // references that may wait in Propose
	Number   uint64        // at most that of the last decision that made a block
	TimeNS   uint64        // of that decision
}

// Carrier is an engine that also carries batches from node to node. The node
// trusts none of what it fetches: it checks digest, counts and signatures.
type Carrier interface {
	Engine
	// Publish offers a batch, all of its transactions back to back, before
	// Propose is called with its reference. The content is the carrier's.
	Publish(ref Ref, content []byte)
	// Fetch returns the content of a batch of another node. It blocks until the
	// batch is there or ctx ends. It is called from within Commit.
	Fetch(ctx context.Context, ref Ref) ([]byte, error)
}

// Status is what an engine tells about itself.
type Status struct {
	Name     string `json:"name"`
	Number   uint64 `json:"number"`    // of the last decision
	Proposed int64  `json:"proposed"`  // references
	Decided  int64  `json:"decided"`   // references
	Queue    int    `json:"queue"`     // references waiting for a decision
	QueueCap int    `json:"queue_cap"` // at which Propose blocks
	Err      error  `json:"-"`         // what ended it
}

// Engine decides the order of batches.
type Engine interface {
	// Start begins to order and returns. The engine ends with ctx, with Close or
	// with an error of Commit.
	Start(ctx context.Context, app App) error
	// Propose hands a reference over. It blocks while the engine's queue is
	// full, and fails with ErrClosed, ErrUnknown or what ended the engine.
	Propose(ref Ref) error
	// Status may be called at any time.
	Status() Status
	// Close decides what was proposed, waits until Commit has taken it, and
	// ends the engine. It returns what ended the engine before, if anything did
	// but its context. No Propose may be under way or follow.
	Close() error
}
