package link

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	pingBytes = 64
	pingEvery = 5 * time.Millisecond
	// loadFrom is the part of a loaded test that is over before round trips
	// count: until then TCP fills the queue.
	loadFrom = 0.3
	// pongTimeout is how long the last answers may take.
	pongTimeout = 2 * time.Second
)

// RTT is the round trip of small datagrams, from this program to the other and
// back, in nanoseconds: both programs' waking up is in it.
type RTT struct {
	MinNS    uint64 `json:"min_ns"`
	P50NS    uint64 `json:"p50_ns"`
	P99NS    uint64 `json:"p99_ns"`
	MaxNS    uint64 `json:"max_ns"`
	Sent     int    `json:"sent"`
	Received int    `json:"received"`
}

// summarize takes the round trips that came back of those that were sent.
// Percentiles are the nearest rank.
func summarize(rtts []time.Duration, sent int) (RTT, error) {
	if len(rtts) == 0 {
		return RTT{}, fmt.Errorf("%w: none of %d pings came back", ErrTooShort, sent)
	}
	slices.Sort(rtts)
	at := func(p int) uint64 { return uint64(rtts[(len(rtts)*p+99)/100-1]) }
	return RTT{
		MinNS: uint64(rtts[0]), P50NS: at(50), P99NS: at(99), MaxNS: uint64(rtts[len(rtts)-1]),
		Sent: sent, Received: len(rtts),
	}, nil
}

// ping sends a datagram every 5 ms for a while and times the answers. Pings
// sent before from do not count.
func ping(ctx context.Context, cfg Config, from, until time.Duration) (RTT, error) {
	sendFor := until
	h := hello{
		test: testPing, dir: dirIn, datagramBytes: pingBytes, duration: max(sendFor, minDuration),
		maxBytes: minChunkBytes + 2*uint64(sendFor/pingEvery+1)*pingBytes,
	}
	u, err := openSession(ctx, cfg, h)
	if err != nil {
		return RTT{}, err
	}
	defer u.hangUp()
	stop := context.AfterFunc(ctx, u.hangUp)
	defer stop()
	p := &pinger{u: u, sentAt: make([]time.Time, int(sendFor/pingEvery)+1)}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(p.receive)
	start := time.Now()
	sent := 0
	for due := time.Duration(0); sent < len(p.sentAt); due += pingEvery {
		time.Sleep(due - time.Since(start))
		now := time.Now()
		if ctx.Err() != nil || now.Sub(start) >= until {
			break
		}
		if err := p.send(sent, now); err != nil {
			u.hangUp() // or the receiver waits for ever
			return RTT{}, errors.Join(ctx.Err(), fmt.Errorf("link: ping: %w", err))
		}
		sent++
	}
	p.mu.Lock()
	p.sent = sent
	p.mu.Unlock()
	_ = u.pc.SetReadDeadline(time.Now().Add(pongTimeout))
	if p.complete() {
		_ = u.pc.SetReadDeadline(time.Unix(1, 0))
	}
	wg.Wait()
	if p.err != nil {
		return RTT{}, errors.Join(ctx.Err(), p.err)
	}
	var counted []time.Duration
	asked := 0
	for i := range sent {
		if p.sentAt[i].Sub(start) < from {
			continue
		}
		asked++
		if d := p.rtts[i]; d > 0 {
			counted = append(counted, d)
		}
	}
	return summarize(counted, asked)
}

// pinger matches answers with what was sent.
type pinger struct {
	u   *session
	buf [pingBytes]byte

	mu     sync.Mutex
	sentAt []time.Time
	rtts   []time.Duration // by number; 0: not back yet
	back   int
	sent   int // all of them, once they were; 0 before
	err    error
}

func (p *pinger) send(seq int, now time.Time) error {
	putDatagram(p.buf[:], p.u.tag, datagramPing, uint64(seq))
	p.mu.Lock()
	p.sentAt[seq] = now
	p.rtts = append(p.rtts, 0)
	p.mu.Unlock()
	_, err := p.u.pc.WriteToUDPAddrPort(p.buf[:], p.u.peer)
	return err
}

func (p *pinger) complete() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent > 0 && p.back == p.sent
}

func (p *pinger) receive() {
	buf := make([]byte, 2048)
	for !p.complete() {
		n, from, err := p.u.pc.ReadFromUDPAddrPort(buf)
		now := time.Now()
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				p.err = fmt.Errorf("link: ping: %w", err)
			}
			return
		}
		kind, seq, ok := parseDatagram(buf[:n], p.u.tag)
		if !ok || kind != datagramPong || n != pingBytes || !p.u.from(from) {
			continue
		}
		p.mu.Lock()
		if seq < uint64(len(p.rtts)) && p.rtts[seq] == 0 {
			p.rtts[seq] = max(1, now.Sub(p.sentAt[seq]))
			p.back++
		}
		p.mu.Unlock()
	}
}

// stopped is what failed in a load apart from being stopped.
func stopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// underLoad times pings while TCP fills one direction.
func underLoad(ctx context.Context, cfg Config, dir direction) (RTT, error) {
	loadCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	load := make(chan error, 1)
	go func() {
		var r Result
		_, err := r.measure(loadCtx, cfg, dir)
		load <- err
	}()
	rtt, err := ping(ctx, cfg, time.Duration(loadFrom*float64(cfg.Duration)), time.Duration(windowTo*float64(cfg.Duration)))
	if err != nil {
		cancel()
		return rtt, errors.Join(err, stopped(<-load))
	}
	if lerr := <-load; lerr != nil && !errors.Is(lerr, ErrTooShort) {
		return rtt, fmt.Errorf("the load failed: %w", lerr)
	}
	return rtt, nil
}
