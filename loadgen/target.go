package loadgen

import (
	"context"
	"net"
	"time"
)

// Target is a system that load is offered to, as the generator sees it: a weir
// node (WeirTarget), or another system by its own protocol.
type Target interface {
	// Open opens one connection. What the target says about the transactions of
	// this connection goes to s.Events until Close has returned. An error says
	// that no load can be offered; the others are closed then.
	Open(ctx context.Context, s Session) (Conn, error)
	// Reason names a code other than CodeOK and CodeExpired, for the record,
	// such as "nonce_used".
	Reason(code uint8) string
}

// Session is what the generator gives to one connection.
type Session struct {
	Conn   int // number of the connection, from 0
	Events Events
	// Wrap must be applied to the connection's socket before anything else: it
	// notes how long writes wait for room.
	Wrap func(net.Conn) net.Conn
	// WriteTimeout is the longest that a write may take: all of the run. A
	// target that stands still must not end the connection earlier.
	WriteTimeout time.Duration
}

// Events is told what became of a connection's transactions, by their sequence
// numbers. Calls for one connection must not overlap; they must come from it
// alone, that is, about transactions that were submitted on it.
type Events interface {
	// Ack is the first answer about a run of transactions: taken (CodeOK), or
	// refused at the door.
	Ack(seq uint64, count int, code uint8)
	// Commit says that a run of transactions is final and valid.
	Commit(seq uint64, count int)
	// Reject says that a transaction failed after it was taken.
	Reject(seq uint64, code uint8)
	// Closed says that nothing more will come. The run ends with this error
	// unless it is over.
	Closed(err error)
}

// Conn is one open connection to a target.
type Conn interface {
	Limits() Limits
	// Submit writes count transactions as the Source encoded them, back to back,
	// numbered from seq. It returns when the socket has taken them and blocks
	// while the path is full. Calls come from different goroutines but never
	// overlap. It must neither keep nor change txs.
	Submit(seq uint64, count int, txs []byte) error
	// Bytes is the payload that came in and went out so far.
	Bytes() (in, out uint64)
	// Close ends the connection and waits for its goroutines.
	Close() error
}

// Limits bound one Submit; 0 means no limit.
type Limits struct {
	Txs   int // transactions
	Bytes int // of their encodings
}

// Codes of answers that mean the same for every target. The values are those
// of weir's own protocol.
const (
	CodeOK      uint8 = 0
	CodeExpired uint8 = codeExpired
)

// Source holds the transactions of a run, ready to be sent, in the encoding
// that the target's Submit takes.
type Source interface {
	// Len is the number of transactions that are ready.
	Len() int
	// Extend makes n transactions ready and never takes any away. It must not
	// run beside readers. Progress may be nil.
	Extend(ctx context.Context, n int, progress func(done, total int)) error
	// Piece returns transactions from index i that lie back to back, at most n
	// of them and at most maxBytes long (0: any length), and how many they are:
	// none outside the source, otherwise at least one. The bytes stay valid and
	// must not be changed.
	Piece(i, n, maxBytes int) (txs []byte, count int)
}

// Preparer is a Source that must be told where a run begins, because it does
// not keep everything at hand. Run calls Prepare before its clock starts. From
// then on Piece may return none of transactions that are inside the source: it
// was not ready in time, and they count as dropped by the generator.
type Preparer interface {
	Prepare(ctx context.Context, first int) error
}
