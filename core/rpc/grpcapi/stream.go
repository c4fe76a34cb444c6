package grpcapi

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/rpc/grpcapi/weirv1"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

type submitStream = grpc.BidiStreamingServer[weirv1.SubmitRequest, weirv1.Event]

// stream is one Submit call: the Sink of what it submits. Events wait in a list
// of bounded size for the goroutine that sends them.
type stream struct {
	srv     *Server
	session *rpc.Session

	mu      sync.Mutex
	events  []*weirv1.Event
	bytes   int   // about what they take, with those that are being sent
	over    bool  // bytes are given back
	open    int64 // transactions whose last event is not queued yet
	eof     bool  // nothing more is submitted
	dropped bool  // the client is cut off, or the call has ended: forget everything
	wake    chan struct{}
	cut     chan struct{} // closed when the client does not read
}

// Submit implements weirv1.NodeServer.
//
// Reading and sending have a goroutine each. When the client must be cut off,
// one of them may be inside a send that flow control holds up; returning from
// here is what ends that. Serve waits for both.
func (s *Server) Submit(g submitStream) error {
	session, err := s.session(g.Context())
	if err != nil {
		return err
	}
	defer session.Close()
	st := &stream{srv: s, session: session, wake: make(chan struct{}, 1), cut: make(chan struct{})}
	defer st.drop()
	received, sent := make(chan error, 1), make(chan error, 1)
	s.wg.Go(func() { received <- st.receive(g) })
	s.wg.Go(func() { sent <- st.send(g) })
	for {
		select {
		case err := <-received:
			if !errors.Is(err, io.EOF) {
				return err
			}
			st.finish()
		case err := <-sent:
			select {
			case <-st.cut: // is why there was nothing left to send
				return s.cutOffNow()
			default:
				return err
			}
		case <-st.cut:
			return s.cutOffNow()
		}
	}
}

func (s *Server) cutOffNow() error {
	s.cutOff.Add(1)
	return status.Error(codes.ResourceExhausted, "events wait that are not read: the client is cut off")
}

// receive takes submissions until the client ends them.
func (st *stream) receive(g submitStream) error {
	for {
		req, err := g.Recv()
		if err != nil {
			return err
		}
		if err := st.submit(req); err != nil {
			if errors.Is(err, wire.ErrFrame) {
				return status.Error(codes.InvalidArgument, err.Error())
			}
			return err
		}
	}
}

func (st *stream) submit(req *weirv1.SubmitRequest) error {
	s, base, count := st.srv, req.GetBase(), int(req.GetCount())
	switch {
	case base > wire.MaxBase:
		return fmt.Errorf("%w: a submission numbered %d, want at most 2^63", wire.ErrFrame, base)
	case count == 0 || count > wire.MaxTxs:
		return fmt.Errorf("%w: a submission of %d transactions, want 1 to %d", wire.ErrFrame, count, wire.MaxTxs)
	case len(req.GetTransactions()) > s.cfg.MaxPayload:
		return fmt.Errorf("%w: a submission of %d bytes, the limit is %d", wire.ErrFrame, len(req.GetTransactions()), s.cfg.MaxPayload)
	}
	if id := req.GetChainId(); len(id) > 0 {
		if chain := s.node.Welcome().ChainID; string(id) != string(chain[:]) {
			return status.Errorf(codes.FailedPrecondition, "this node is on chain %x, the client asked for %x", chain[:8], id)
		}
	}
	sub := s.pool.Get()
	st.add(count)
	retryAfter, ok, err := sub.Fill(st.session, st, base, count, req.GetTransactions(), s.cfg.MaxSubmission)
	if err != nil {
		return err
	}
	if !ok {
		s.busy.Add(uint64(count))
		st.acked(base, rpc.Busy(count), retryAfter)
		return nil
	}
	s.node.Submit(sub)
	return nil
}

// add counts transactions that will have events.
func (st *stream) add(n int) {
	st.mu.Lock()
	st.open += int64(n)
	st.mu.Unlock()
}

// finish says that nothing more is submitted.
func (st *stream) finish() {
	st.mu.Lock()
	st.eof = true
	st.mu.Unlock()
	st.signal()
}

// drop forgets what is queued and what is still to come.
func (st *stream) drop() {
	st.mu.Lock()
	st.dropped, st.events = true, nil
	if !st.over {
		st.over = true
		st.session.Release(st.bytes)
	}
	st.mu.Unlock()
	st.signal()
}

// wrote says that events of n bytes have been sent.
func (st *stream) wrote(n int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.over {
		st.bytes -= n
		st.session.Release(n)
	}
}

func (st *stream) signal() {
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

// put queues events of about the given size, the last ones of done transactions.
// It never blocks: a client that is too far behind is cut off, because waiting
// for it would stall the node and forgetting events would lie to it.
func (st *stream) put(bytes, done int, events ...*weirv1.Event) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.open -= int64(done)
	if st.dropped {
		return
	}
	if st.bytes+bytes > st.srv.cfg.MaxQueued || !st.session.Hold(st.bytes, bytes, maxStreams) {
		st.dropped, st.events = true, nil
		close(st.cut)
		return
	}
	st.events, st.bytes = append(st.events, events...), st.bytes+bytes
	st.signal()
}

// take returns what is queued, how many bytes that is, and whether that was all there will be.
func (st *stream) take(spare []*weirv1.Event) (events []*weirv1.Event, bytes int, end bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	events = st.events
	st.events = spare[:0]
	return events, st.bytes, st.dropped || st.eof && st.open == 0
}

// send sends events until there are no more.
func (st *stream) send(g submitStream) error {
	var events []*weirv1.Event
	late := time.AfterFunc(st.srv.cfg.WriteTimeout, st.late)
	defer late.Stop()
	for {
		late.Stop() // nothing is being sent
		select {
		case <-st.wake:
		case <-g.Context().Done():
			return status.FromContextError(g.Context().Err()).Err()
		}
		clear(events)
		var (
			bytes int
			end   bool
		)
		events, bytes, end = st.take(events)
		for _, e := range events {
			late.Reset(st.srv.cfg.WriteTimeout)
			if err := g.Send(e); err != nil {
				return err
			}
		}
		st.wrote(bytes)
		if end {
			return nil
		}
	}
}

// late cuts off a client that has not taken one event for WriteTimeout.
func (st *stream) late() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.dropped {
		st.dropped, st.events = true, nil
		close(st.cut)
	}
}

// About what events take in memory, in bytes.
const (
	eventBytes  = 128
	statusBytes = 4
	entryBytes  = 64
)

// Acked implements rpc.Sink.
func (st *stream) Acked(base uint64, statuses []tx.Status) { st.acked(base, statuses, 0) }

func (st *stream) acked(base uint64, statuses []tx.Status, retryAfter time.Duration) {
	var events []*weirv1.Event
	uniform, done, busy := true, 0, 0
	for _, s := range statuses {
		uniform = uniform && s == statuses[0]
		if s != tx.StatusOK {
			done++
		}
		if s == tx.StatusBusy {
			busy++
		}
	}
	if busy > 0 {
		if retryAfter == 0 {
			retryAfter = st.srv.node.RetryAfter()
		}
		rpc.EachBusy(statuses, func(from, count int) {
			events = append(events, &weirv1.Event{Event: &weirv1.Event_Busy{Busy: &weirv1.Busy{
				Base: base + uint64(from), Count: uint32(count), RetryAfterUs: uint64(max(retryAfter.Microseconds(), 1)),
			}}})
		})
	}
	ack := &weirv1.Ack{Base: base, Count: uint32(len(statuses))}
	if uniform {
		statuses = statuses[:1]
	}
	ack.Statuses = make([]weirv1.Status, len(statuses))
	for i, s := range statuses {
		ack.Statuses[i] = weirv1.Status(s)
	}
	events = append(events, &weirv1.Event{Event: &weirv1.Event_Ack{Ack: ack}})
	st.put(len(events)*eventBytes+len(statuses)*statusBytes, done, events...)
}

// Committed implements rpc.Sink.
func (st *stream) Committed(height, timeNS uint64, ranges []wire.Range) {
	c := &weirv1.Commit{Height: height, TimeNs: timeNS, Ranges: make([]*weirv1.Range, len(ranges))}
	all, done := make([]weirv1.Range, len(ranges)), 0 // one allocation for all
	for i, r := range ranges {
		c.Ranges[i] = &all[i]
		all[i].Seq, all[i].Count, all[i].Index = r.Seq, r.Count, r.Index
		done += int(r.Count)
	}
	st.put(eventBytes+len(ranges)*entryBytes, done, &weirv1.Event{Event: &weirv1.Event_Commit{Commit: c}})
}

// Rejected implements rpc.Sink.
func (st *stream) Rejected(rs []wire.Rejection) {
	r := &weirv1.Reject{Rejections: make([]*weirv1.Rejection, len(rs))}
	all := make([]weirv1.Rejection, len(rs))
	for i, j := range rs {
		r.Rejections[i] = &all[i]
		all[i].Seq, all[i].Status = j.Seq, weirv1.Status(j.Status)
	}
	st.put(eventBytes+len(rs)*entryBytes, len(rs), &weirv1.Event{Event: &weirv1.Event_Reject{Reject: r}})
}

var _ rpc.Sink = (*stream)(nil)
