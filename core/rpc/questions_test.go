package rpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// pipes is a listener whose connections have no buffer at all, so that what a
// client has not read is with the server; each has the address it is dialled from.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

type pipeEnd struct {
	net.Conn
	from net.Addr
}

func (p *pipeEnd) RemoteAddr() net.Addr { return p.from }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-p.conns:
		return nc, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)} }

// dial connects from a host of its own and says hello.
func (p *pipes) dial(t *testing.T, host byte) net.Conn {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close() })
	if err := near.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	p.conns <- &pipeEnd{far, &net.TCPAddr{IP: net.IPv4(192, 0, 2, host), Port: 1000}}
	send(t, near, (&wire.Hello{Version: wire.ProtocolVersion}).Append(nil))
	expect(t, near, wire.TypeWelcome)
	return near
}

func startPipes(t *testing.T, cfg rpc.Config) (*fakeNode, *rpc.Server, *pipes) {
	t.Helper()
	f := &fakeNode{held: make(chan *rpc.Submission, 100), answer: make(chan struct{})}
	s, p := rpc.New(f, cfg), &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, p) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if st := s.Stats(); st.Conns != 0 || st.UnreadFrames != 0 || st.UnreadAnswers != 0 {
			t.Errorf("left behind: %+v", st)
		}
	})
	return f, s, p
}

// soon waits until something is so.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !is(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func (f *fakeNode) counts() (running, asked int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running, f.asked
}

func questions(kind uint8, from, n uint32) []byte {
	var b []byte
	for id := from; id < from+n; id++ {
		b = wire.AppendQuery(b, id, kind, []byte{byte(id)})
	}
	return b
}

// Of a client's questions a few run at a time and some more wait; the others are
// told so at once with when to ask again, and the reader does not wait for any.
func TestQuestionsAreBounded(t *testing.T) {
	f, _, addr := start(t, rpc.Config{})
	nc := connect(t, addr)
	expect(t, nc, wire.TypeWelcome)
	const n, most, atOnce = 40, 16, 4
	send(t, nc, questions(0, 0, n))
	seen := map[uint32]bool{}
	reply := func(want uint8) {
		t.Helper()
		_, p := expect(t, nc, wire.TypeReply)
		id, code, answer, err := wire.ParseReply(p)
		if err != nil || seen[id] || code != want || code == wire.ReplyOK && (len(answer) != 1 || answer[0] != byte(id)) {
			t.Fatalf("reply %d: code %d, %x, %v", id, code, answer, err)
		}
		if code == wire.ReplyBusy {
			if wait, text, err := wire.ParseReplyBusy(answer); err != nil || wait <= 0 || text != rpc.TooManyQuestions {
				t.Fatalf("a hint of %v and %q, %v", wait, text, err)
			}
		}
		seen[id] = true
	}
	for range n - most {
		reply(wire.ReplyBusy)
	}
	for range most {
		f.answer <- struct{}{}
		reply(wire.ReplyOK)
	}
	send(t, nc, questions(0, n, 1)) // there is room again
	f.answer <- struct{}{}
	reply(wire.ReplyOK)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.most < 1 || f.most > atOnce {
		t.Errorf("%d questions ran at a time", f.most)
	}
}

// A client that asks more than it may, over several connections, and whose
// questions never get an answer, keeps neither the question nor the transactions
// of another waiting.
func TestFloodOfQuestions(t *testing.T) {
	f, s, p := startPipes(t, rpc.Config{QueryTimeout: deadline})
	for range 4 {
		flood := p.dial(t, 66)
		go func() { _, _ = io.Copy(io.Discard, flood) }() // so that it is not cut off
		send(t, flood, questions(0, 0, 1000))
	}
	soon(t, "the flood's questions do not run", func() bool { running, _ := f.counts(); return running == 4 })
	good := p.dial(t, 7)
	send(t, good, questions(freeKind, 5, 1))
	_, reply := expect(t, good, wire.TypeReply)
	if id, code, _, err := wire.ParseReply(reply); err != nil || id != 5 || code != wire.ReplyOK {
		t.Errorf("reply %d: code %d, %v", id, code, err)
	}
	send(t, good, submission(0, 3))
	sub := receive(t, f.held)
	sub.Sink.Acked(0, make([]tx.Status, 3))
	expect(t, good, wire.TypeAck)
	sub.Done()
	if running, _ := f.counts(); running != 4 || s.Stats().Conns != 5 {
		t.Errorf("%d of the flood's questions run, %+v", running, s.Stats())
	}
}

// However many questions others have waiting, one who asks has a turn after at
// most one of each; nobody has more places than it may; and all get their answer.
func TestTurnsGoRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := rpc.Limits{MaxQueries: rapid.IntRange(1, 4).Draw(t, "places"), MaxAsked: rapid.IntRange(4, 12).Draw(t, "asked")}
		l.MaxAsking = rapid.IntRange(1, l.MaxQueries).Draw(t, "asking")
		clients, many := rpc.NewClients(l), rapid.IntRange(1, 5).Draw(t, "clients")
		type begun struct {
			who int
			end chan struct{}
		}
		started, sessions := make(chan begun, 100), make([]*rpc.Session, many)
		waiting, running := make([]int, many), make([]int, many)
		passed := make([]int, many) // turns of others since one began to wait
		for i := range sessions {
			sessions[i] = clients.Session(&net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(i))}, nil)
			for range rapid.IntRange(0, 15).Draw(t, "questions") {
				_, ok := sessions[i].Ask(10, func(*rpc.Turn) {
					b := begun{i, make(chan struct{})}
					started <- b
					<-b.end
				}, nil)
				if ok {
					waiting[i]++
				} else if waiting[i] < l.MaxAsked {
					t.Fatalf("refused with %d questions of %d", waiting[i], l.MaxAsked)
				}
			}
		}
		var under []begun
		for left := true; left; {
			left = false
			places, can := l.MaxQueries-len(under), 0
			for i := range waiting {
				can += min(waiting[i], l.MaxAsking-running[i])
				left = left || waiting[i]+running[i] > 0
			}
			for range min(places, can) { // these begin now
				b := <-started
				under = append(under, b)
				waiting[b.who]--
				if running[b.who]++; running[b.who] > l.MaxAsking {
					t.Fatalf("%d questions of one client run", running[b.who])
				}
				for i := range passed {
					if passed[i]++; i == b.who || waiting[i] == 0 || running[i] > 0 {
						passed[i] = 0
					}
					if passed[i] > many+l.MaxQueries {
						t.Fatalf("%d turns passed client %d by", passed[i], i)
					}
				}
			}
			if len(under) > 0 {
				k := rapid.IntRange(0, len(under)-1).Draw(t, "ends")
				running[under[k].who]--
				close(under[k].end)
				under = append(under[:k], under[k+1:]...)
			}
		}
		for _, s := range sessions {
			s.Close()
		}
	})
}

// What a client does not read is bounded before the node is asked for more: of
// large answers there are as many as fit, the other questions wait. Small ones
// do not wait behind them, and reading makes room.
func TestUnreadAnswersAreBounded(t *testing.T) {
	const most = 2
	f, s, p := startPipes(t, rpc.Config{Limits: rpc.Limits{MaxAnswers: most * largeBytes}, QueryTimeout: deadline, WriteTimeout: deadline})
	close(f.answer)
	nc := p.dial(t, 7)
	send(t, nc, questions(largeKind, 0, 10))
	send(t, nc, questions(freeKind, 10, 1))
	soon(t, "the questions that fit are not answered", func() bool { running, asked := f.counts(); return running == 0 && asked == most+1 })
	if got := s.Stats().UnreadAnswers; got != most*largeBytes {
		t.Errorf("%d bytes of answers are held", got)
	}
	for range 11 {
		if _, _, _, err := wire.ReadFrame(nc, nil, wire.MaxReply); err != nil {
			t.Fatal(err)
		}
		if got := s.Stats().UnreadAnswers; got > most*largeBytes {
			t.Errorf("%d bytes of answers are held", got)
		}
	}
	if _, asked := f.counts(); asked != 11 {
		t.Errorf("%d answers were read, %d questions were put", 11, asked)
	}
}

// A client that takes nothing of an answer for WriteTimeout is cut off, and
// nothing of what it had asked for is kept.
func TestUnreadAnswerIsCutOff(t *testing.T) {
	f, s, p := startPipes(t, rpc.Config{WriteTimeout: time.Millisecond})
	close(f.answer)
	nc := p.dial(t, 7)
	send(t, nc, questions(largeKind, 0, 1))
	soon(t, "it was not cut off", func() bool { return s.Stats().CutOff == 1 && s.Stats().Conns == 0 })
	if st := s.Stats(); st.UnreadAnswers != 0 || st.UnreadFrames != 0 {
		t.Errorf("%+v", st)
	}
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after being cut off: %v", err)
	}
}

// The bound on frames includes the one that is being written and the one that is
// about to be appended.
func TestUnreadFramesAreBounded(t *testing.T) {
	f, s, p := startPipes(t, rpc.Config{MaxQueued: 10_000, WriteTimeout: deadline})
	nc := p.dial(t, 7)
	send(t, nc, submission(0, 1))
	sub := receive(t, f.held)
	status := make([]tx.Status, 6000)
	status[0] = tx.StatusExpired // so that each has its own byte
	sub.Sink.Acked(0, status)
	if st := s.Stats(); st.UnreadFrames < 6000 || st.UnreadFrames > 6100 || st.CutOff != 0 {
		t.Errorf("with one answer unread: %+v", st)
	}
	sub.Sink.Acked(0, status)
	soon(t, "it was not cut off", func() bool { return s.Stats().CutOff == 1 && s.Stats().Conns == 0 })
	sub.Done()
}

// What all clients together have not read stays below the bound, whoever is slow,
// and who holds no more than its part is never cut off for others.
func TestUnreadOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const conns = 8
		l := rpc.Limits{MaxConns: conns, MaxUnread: int64(rapid.IntRange(1000, 100_000).Draw(t, "unread"))}
		clients := rpc.NewClients(l)
		part := l.MaxUnread / 4 / conns
		var sessions [conns]*rpc.Session
		var have [conns]int
		for i := range sessions {
			sessions[i] = clients.Session(&net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(rapid.IntRange(0, 3).Draw(t, "host")))}, nil)
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			i, n := rapid.IntRange(0, conns-1).Draw(t, "who"), rapid.IntRange(1, int(l.MaxUnread/10)).Draw(t, "n")
			if rapid.IntRange(0, 3).Draw(t, "reads") == 0 {
				sessions[i].Release(have[i])
				have[i] = 0
			}
			if sessions[i].Hold(have[i], n, 1) {
				have[i] += n
			} else if int64(have[i]+n) <= part {
				t.Fatalf("%d of %d bytes are refused", have[i]+n, part)
			}
			if frames, _ := clients.Unread(); frames > l.MaxUnread/2 {
				t.Fatalf("%d bytes wait, at most %d may", frames, l.MaxUnread/2)
			}
		}
	})
}

// The rate of questions is a client's, over all its connections, and what an
// answer cost counts.
func TestRateOfQuestions(t *testing.T) {
	start, passed := time.Unix(1, 0), atomic.Int64{}
	clients := rpc.NewClients(rpc.Limits{QueriesPerSec: 10, MaxAsked: 100})
	rpc.SetClock(clients, func() time.Time { return start.Add(time.Duration(passed.Load())) })
	addr := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	over := make(chan struct{})
	ask := func(cost int) (time.Duration, bool) {
		s := clients.Session(addr, nil)
		defer s.Close()
		wait, ok := s.Ask(10, func(turn *rpc.Turn) {
			turn.Answered(10, cost)
			turn.Sent()
			over <- struct{}{}
		}, nil)
		if ok {
			<-over
		}
		return wait, ok
	}
	if _, ok := ask(25); !ok {
		t.Fatal("the first question was refused")
	}
	wait, ok := ask(1) // 15 tokens of debt and one more
	if ok || wait < 1500*time.Millisecond || wait > 1700*time.Millisecond {
		t.Fatalf("%v, %v after an answer that cost 25 questions at 10 per second", wait, ok)
	}
	passed.Add(int64(wait)) // the last turn may still look at the clock
	if wait, ok := ask(1); !ok {
		t.Errorf("refused after the wait, for %v", wait)
	}
}
