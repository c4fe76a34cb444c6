package loadgen

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/results"
)

func testConfig(n *fakeNode) Config {
	return Config{
		Addr: n.addr(), Schedule: Poisson, RateTxPerSec: 20_000, Duration: 50 * time.Millisecond, Seed: 1,
		Corpus: sharedCorpus(), DrainTimeout: 5 * time.Second,
	}
}

// mustAddUp checks what holds for every outcome, good or bad.
func mustAddUp(t interface{ Fatalf(string, ...any) }, o Outcome) {
	bad := append(results.CheckTrial(o.Trial), results.CheckWindows(o.Trial, o.Windows)...)
	for _, v := range bad {
		t.Fatalf("%s\n%+v", v, o.Trial.Counts)
	}
	if len(o.Windows) == 0 || o.Trial.Counts.Offered == 0 {
		t.Fatalf("nothing recorded: %+v", o)
	}
	if o.Trial.Valid != (o.Trial.InvalidReason == "") {
		t.Fatalf("valid %v, reason %q", o.Trial.Valid, o.Trial.InvalidReason)
	}
}

func TestRunCommitsEverything(t *testing.T) {
	n := startFake(t, behaviours["commit"])
	cfg := testConfig(n)
	cfg.Duration = 300 * time.Millisecond
	var order []string
	var seen []Live
	cfg.OnStart = func() { order = append(order, "start") }
	cfg.OnEnd = func() { order = append(order, "end") }
	cfg.Progress = func(l Live) { seen = append(seen, l) }
	cfg.FirstTx = 100
	o, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, o)
	c := o.Trial.Counts
	want, _ := Times(Poisson, cfg.RateTxPerSec, cfg.Duration, cfg.Seed)
	if !o.Trial.Valid || c.Offered != int64(len(want)) || c.Committed != c.Sent || c.Accepted != c.Sent || c.Lost != 0 {
		t.Fatalf("%+v %s", c, o.Trial.InvalidReason)
	}
	l := o.Trial.LatencyMS
	for name, q := range map[string]results.Quantiles{"submit": l.Submit, "accept": l.Accept, "commit": l.Commit, "from send": l.CommitFromSend} {
		if q.Count != c.Sent || q.Negative != 0 || *q.P50 > *q.P99 {
			t.Errorf("%s: %+v", name, q)
		}
	}
	if o.Commit == nil || o.Commit.Count != c.Sent || len(o.Histograms) != 4 {
		t.Errorf("commit %+v, %d histograms", o.Commit, len(o.Histograms))
	}
	if o.Backlog == nil || o.InFlight == nil || o.Trial.BacklogSlopeTxPerSec2 == nil {
		t.Error("no backlog slope from 300 ms")
	}
	if !slices.Equal(order, []string{"start", "end"}) {
		t.Error(order)
	}
	if len(seen) == 0 || seen[0].Offered != c.Offered {
		t.Errorf("progress %+v", seen)
	}
	if g := o.Trial.Generator; g.LagP99NS == nil || g.WriteBlockedNS == nil || g.GCPauseNS == nil {
		t.Errorf("%+v", g)
	}
	// Frames carry 24 bytes of their own; nothing else is sent during a run.
	if want := uint64(c.Sent)*tx.Size + uint64(o.Frames)*24; o.BytesOut != want || o.BytesIn == 0 {
		t.Errorf("%d bytes out, want %d; %d in", o.BytesOut, want, o.BytesIn)
	}
	if o.Frames != n.frames.Load() {
		t.Errorf("%d frames, the node saw %d", o.Frames, n.frames.Load())
	}
	o.SetID(4)
	if v := results.CheckWindows(o.Trial, o.Windows); o.Trial.ID != 4 || len(v) > 0 {
		t.Error(v)
	}
}

func TestOutcomesByBehaviour(t *testing.T) {
	for _, c := range []struct {
		name  string
		check func(c results.Counts) bool
	}{
		{"early", func(c results.Counts) bool { return c.Committed == c.Sent && c.Accepted == c.Sent }},
		{"acceptOnly", func(c results.Counts) bool { return c.Lost == c.Sent && c.Accepted == c.Sent }},
		{"ignore", func(c results.Counts) bool { return c.Lost == c.Sent && c.Accepted == 0 }},
		{"busy", func(c results.Counts) bool { return c.Rejected["busy"] == c.Sent && c.Accepted == 0 }},
		{"expired", func(c results.Counts) bool { return c.Expired == c.Sent && len(c.Rejected) == 0 }},
		{"expiredLater", func(c results.Counts) bool { return c.Expired == c.Sent && c.Accepted == c.Sent }},
		{"poor", func(c results.Counts) bool {
			return c.Rejected["exec:insufficient_funds"] == c.Sent && c.Accepted == c.Sent
		}},
		{"mixed", func(c results.Counts) bool {
			return c.Committed > 0 && c.Committed+c.Rejected["nonce_used"]+c.Rejected["stopping"] == c.Sent
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := startFake(t, behaviours[c.name])
			cfg := testConfig(n)
			if c.name == "acceptOnly" || c.name == "ignore" {
				cfg.DrainTimeout = 20 * time.Millisecond
			}
			o, err := Run(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			mustAddUp(t, o)
			if got := o.Trial.Counts; !o.Trial.Valid || got.Sent == 0 || !c.check(got) {
				t.Errorf("%+v %s", got, o.Trial.InvalidReason)
			}
		})
	}
}

func TestContradictionsAreInvalid(t *testing.T) {
	for name, want := range map[string]string{
		"commitTwice": "committed twice", "ackTwice": "acknowledged twice", "rejectTwice": "refused twice", "both": "both committed and refused",
		"bothAcked": "after a final outcome", "rejectOK": "status ok", "strayAck": "without having been sent", "strayCommit": "without having been sent",
		"strayReject": "without having been sent", "garbage": "bad frame", "close": "broke",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(startFake(t, behaviours[name]))
			cfg.DrainTimeout = 20 * time.Millisecond
			o, err := Run(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			mustAddUp(t, o)
			if o.Trial.Valid || !strings.Contains(o.Trial.InvalidReason, want) {
				// A closed connection may show first on the sending side.
				if name != "close" || !strings.Contains(o.Trial.InvalidReason, "cannot send") {
					t.Errorf("valid %v: %q lacks %q", o.Trial.Valid, o.Trial.InvalidReason, want)
				}
			}
		})
	}
}

func TestEveryTransactionIsAccountedForOnce(t *testing.T) {
	names := slices.Sorted(maps.Keys(behaviours))
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(rapid.SampledFrom(names), 1, 6).Draw(rt, "plan")
		var mu sync.Mutex
		done := map[string]bool{}
		at := 0
		n := startFake(t, func(c *fakeConn, base uint64, count int) {
			mu.Lock()
			name := plan[at%len(plan)]
			at++
			done[name] = true
			mu.Unlock()
			behaviours[name](c, base, count)
		})
		defer n.stop()
		cfg := testConfig(n)
		cfg.Duration = 20 * time.Millisecond
		cfg.DrainTimeout = 10 * time.Millisecond
		cfg.Window = 10 * time.Millisecond
		cfg.Seed = rapid.Uint64().Draw(rt, "seed")
		cfg.Conns = rapid.IntRange(1, 3).Draw(rt, "conns")
		cfg.Schedule = rapid.SampledFrom([]Schedule{Constant, Poisson}).Draw(rt, "kind")
		o, err := Run(context.Background(), cfg)
		if err != nil {
			rt.Fatal(err)
		}
		mustAddUp(rt, o)
		mu.Lock()
		defer mu.Unlock()
		allSound := true
		for name := range done {
			allSound = allSound && sound[name]
		}
		if allSound && !o.Trial.Valid {
			rt.Fatalf("%v: %s", done, o.Trial.InvalidReason)
		}
	})
}

// A node that stops reading for a while must show in the latencies from the
// intended time, although most transactions were sent only after it had woken
// up and then were quick.
func TestCoordinatedOmission(t *testing.T) {
	var once sync.Once
	n := startFake(t, func(c *fakeConn, base uint64, count int) {
		once.Do(func() { <-time.After(400 * time.Millisecond) })
		behaviours["commit"](c, base, count)
	})
	cfg := testConfig(n)
	cfg.Conns, cfg.RateTxPerSec, cfg.Duration = 1, 20_000, 550*time.Millisecond
	cfg.Dial = smallBuffers
	o, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, o)
	slow := func(st string) (n int64) {
		for _, h := range o.Histograms {
			if h.Stage != st {
				continue
			}
			hdr, err := h.Decode()
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range hdr.Distribution() {
				if b.From*h.UnitNS >= int64(50*time.Millisecond) {
					n += b.Count
				}
			}
		}
		return n
	}
	intended, fromSend := slow("commit"), slow("commit_from_send")
	if intended < fromSend+1000 {
		t.Errorf("%d of %d transactions were slow from the intended time, %d from the send", intended, o.Trial.Counts.Sent, fromSend)
	}
	if *o.Trial.Generator.WriteBlockedNS < int64(50*time.Millisecond) {
		t.Errorf("writes were blocked for %d ns, the node slept for 400 ms", *o.Trial.Generator.WriteBlockedNS)
	}
}

// smallBuffers opens a connection that holds little, so that a node that does
// not read is felt at once.
func smallBuffers(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return c, c.(*net.TCPConn).SetWriteBuffer(128 << 10)
}

func TestFullSocketIsBackpressure(t *testing.T) {
	for _, timed := range []bool{false, true} {
		t.Run(fmt.Sprintf("timed=%v", timed), func(t *testing.T) {
			// On a machine that does not run the generator for a while, that is the
			// generator's fault and is said so: one run of several has to be free of it.
			var o Outcome
			for range 8 {
				if o = fullSocket(t, timed); o.Trial.DroppedBy.Backpressure > o.Trial.DroppedBy.Generator {
					break
				}
			}
			d := o.Trial.DroppedBy
			if o.Trial.Counts.Dropped == 0 || d.Backpressure <= d.Generator {
				t.Errorf("%+v of %+v", d, o.Trial.Counts)
			}
		})
	}
}

// fullSocket is what a run says of a node that reads nothing after the first
// frame of each connection.
func fullSocket(t *testing.T, timed bool) Outcome {
	block := make(chan struct{})
	n := startFake(t, func(*fakeConn, uint64, int) { <-block })
	cfg := testConfig(n)
	// 2.4 MB in all, more than the two small sockets hold.
	cfg.RateTxPerSec, cfg.Duration, cfg.DrainTimeout = 40_000, 300*time.Millisecond, 10*time.Millisecond
	cfg.OnEnd = func() { close(block) }
	cfg.Dial = smallBuffers
	if timed { // hides the socket: writes can only be timed
		cfg.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			c, err := smallBuffers(ctx, addr)
			return struct{ net.Conn }{c}, err
		}
	}
	o, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, o)
	if !o.Trial.Valid {
		t.Errorf("a node that is full is no fault of the record: %s", o.Trial.InvalidReason)
	}
	return o
}

func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := startFake(t, func(c *fakeConn, base uint64, count int) {
		if base > 100 {
			cancel()
		}
		behaviours["commit"](c, base, count)
	})
	cfg := testConfig(n)
	cfg.RateTxPerSec, cfg.Duration = 1000, 10*time.Second
	o, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	mustAddUp(t, o)
	if c := o.Trial.Counts; !o.Interrupted || o.Trial.Valid || c.Dropped == 0 || c.Sent == 0 {
		t.Errorf("interrupted %v: %+v", o.Interrupted, c)
	}
}

func TestRunThatCannotStart(t *testing.T) {
	n := startFake(t, behaviours["commit"])
	chain := tx.ChainID{9}
	foreign, _ := NewCorpus(CorpusConfig{Chain: chain, Keys: testKeys(2)})
	if err := foreign.Extend(context.Background(), 2000, nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		edit func(*Config)
		want error
	}{
		"no corpus":    {func(c *Config) { c.Corpus = nil }, ErrBadConfig},
		"conns":        {func(c *Config) { c.Conns = MaxConns + 1 }, ErrBadConfig},
		"duration":     {func(c *Config) { c.Duration = -1 }, ErrBadConfig},
		"batch window": {func(c *Config) { c.BatchWindow = time.Second }, ErrBadConfig},
		"windows":      {func(c *Config) { c.Window = 1 }, ErrBadConfig},
		"first":        {func(c *Config) { c.FirstTx = -1 }, ErrBadConfig},
		"drain":        {func(c *Config) { c.DrainTimeout = -1 }, ErrBadConfig},
		"node's chain": {func(c *Config) { c.Corpus = foreign }, ErrWrongChain},
		"schedule":     {func(c *Config) { c.Schedule = "x" }, ErrSchedule},
		"too slow":     {func(c *Config) { c.RateTxPerSec = 1e-9 }, ErrSchedule},
		"small corpus": {func(c *Config) { c.FirstTx = c.Corpus.Len() - 10 }, ErrCorpusSmall},
		"refused":      {func(c *Config) { c.Addr = "127.0.0.1:1" }, nil},
	} {
		cfg := testConfig(n)
		c.edit(&cfg)
		_, err := Run(context.Background(), cfg)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHandshakeEndsWithTheContext(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel, never answers
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cfg := testConfig(&fakeNode{ln: ln})
	cfg.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		cancel()
		return c, err
	}
	if _, err := Run(ctx, cfg); err == nil {
		t.Error("a silent node was taken for one")
	}
}
