package rpc

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// Submission is a client's transactions on their way into the node. Buf is the
// memory that Txs alias; both are reused once Done has been called.
type Submission struct {
	Base      uint64
	Txs       []tx.View
	Malformed []int // indices in Txs that are not canonical transactions
	Sink      Sink
	Buf       []byte
	Node      any // the node's own part, kept with the buffer

	pool    *sync.Pool
	session *Session
	counted int // bytes in flight, of which Buf may have only some yet
}

// keepSubmission is how large a buffer is kept for the next submission: what most
// frames need, and not the largest that anybody ever sent.
const keepSubmission = 1 << 20

// Done gives the submission back. The node calls it once.
func (s *Submission) Done() {
	s.session.add(-s.counted)
	if cap(s.Buf) > keepSubmission {
		s.Buf = nil
	}
	s.session, s.Sink, s.counted = nil, nil, 0
	clear(s.Txs)
	s.Txs, s.Malformed = s.Txs[:0], s.Malformed[:0]
	s.pool.Put(s)
}

// ClientID numbers the client, so that the node can be fair between clients: the
// holder of a verified certificate, an address or, on loopback, a connection. It
// is never 0.
func (s *Submission) ClientID() uint64 { return s.session.number }

// Pool keeps submissions for reuse.
type Pool struct{ p sync.Pool }

// Get returns a submission without a buffer of any particular length.
func (p *Pool) Get() *Submission {
	if s, ok := p.p.Get().(*Submission); ok {
		return s
	}
	return &Submission{pool: &p.p}
}

// begin takes room for n bytes and tells whether there is any. Done gives it back.
func (s *Submission) begin(se *Session, sink Sink, n int) bool {
	if !se.reserve(n) {
		return false
	}
	s.session, s.Sink, s.counted = se, sink, n
	return true
}

// firstRead is how much memory a frame gets before any of it is there.
const firstRead = 16 << 10

// read reads n bytes. Memory that is not there yet is taken as the bytes come: who
// announces a large frame and sends none of it costs a small buffer.
func (s *Submission) read(r io.Reader, n int) error {
	if cap(s.Buf) >= n {
		s.Buf = s.Buf[:n]
		_, err := io.ReadFull(r, s.Buf)
		return err
	}
	b := s.Buf[:0]
	for len(b) < n {
		if len(b) == cap(b) {
			bigger := make([]byte, len(b), min(n, max(firstRead, 4*len(b))))
			copy(bigger, b)
			b, s.Buf = bigger, bigger
		}
		have := len(b)
		b = b[:min(n, cap(b))]
		if _, err := io.ReadFull(r, b[have:]); err != nil {
			return err
		}
	}
	s.Buf = b
	return nil
}

// Fill makes buf, which holds count encoded transactions and nothing else, the
// submission's content. After an error the submission is done. It returns how
// long the client has to wait, if it may not submit now: then too the
// submission is done, and the caller tells the client.
func (s *Submission) Fill(se *Session, sink Sink, base uint64, count int, buf []byte, maxTxs int) (retryAfter time.Duration, ok bool, err error) {
	if !s.begin(se, sink, len(buf)) {
		s.pool.Put(s)
		return 0, false, nil
	}
	s.Buf = buf
	return s.take(base, count, buf, maxTxs)
}

// take finds the transactions and asks the limits.
func (s *Submission) take(base uint64, count int, txs []byte, maxTxs int) (retryAfter time.Duration, ok bool, err error) {
	if err := s.split(base, count, txs, maxTxs); err != nil {
		s.Done()
		return 0, false, err
	}
	if retryAfter, ok = s.session.admit(count); !ok {
		s.Done()
	}
	return retryAfter, ok, nil
}

// split finds the transactions. One that is not in canonical form is noted in
// Malformed and takes its neighbours nothing; bytes that do not fit the count
// are an error.
func (s *Submission) split(base uint64, count int, rest []byte, maxTxs int) error {
	if count > maxTxs {
		return fmt.Errorf("%w: %d transactions in a frame, this chain takes %d", wire.ErrFrame, count, maxTxs)
	}
	s.Base = base
	for i := range count {
		n, err := tx.Length(rest)
		if err != nil {
			return fmt.Errorf("%w: transaction %d of %d: %w", wire.ErrFrame, i, count, err)
		}
		one := rest[:n:n]
		if _, _, err := tx.Parse(one); err != nil {
			s.Malformed = append(s.Malformed, i)
		}
		s.Txs = append(s.Txs, one)
		rest = rest[n:]
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes after %d transactions", wire.ErrFrame, len(rest), count)
	}
	return nil
}

// Busy is count statuses that say busy, of memory that nobody changes.
func Busy(count int) []tx.Status { return allBusy[:count:count] }

var allBusy = func() []tx.Status {
	b := make([]tx.Status, wire.MaxTxs)
	for i := range b {
		b[i] = tx.StatusBusy
	}
	return b
}()

// EachBusy calls fn with every run of busy transactions in status.
func EachBusy(status []tx.Status, fn func(from, count int)) {
	for i := 0; i < len(status); i++ {
		if status[i] != tx.StatusBusy {
			continue
		}
		from := i
		for i < len(status) && status[i] == tx.StatusBusy {
			i++
		}
		fn(from, i-from)
	}
}
