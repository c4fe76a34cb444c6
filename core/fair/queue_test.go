package fair_test

import (
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/fair"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// batch is what the tests queue: numbers from a client's count.
type batch struct {
	client uint64
	first  int
	n      int
}

// ledger checks deliveries: each client's numbers in order, none missing.
type ledger struct {
	mu     sync.Mutex
	next   map[uint64]int
	within map[uint64]bool // a delivery is under way
	fault  string
}

func newLedger() *ledger { return &ledger{next: map[uint64]int{}, within: map[uint64]bool{}} }

func (l *ledger) deliver(p *fair.Part[batch]) {
	l.mu.Lock()
	c := p.Batch.client
	if l.within[c] {
		l.fault = "two deliveries of one client at a time"
	}
	l.within[c] = true
	l.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case p.Client != c:
		l.fault = "a part has another client than its batch"
	case p.Batch.first+p.Lo != l.next[c]:
		l.fault = "a part is out of order, or missing"
	case p.Last != (p.Hi == p.Batch.n):
		l.fault = "a wrong part is called the last one"
	}
	l.next[c] += p.Hi - p.Lo
	l.within[c] = false
}

// Whatever the order of taking and finishing, everything queued is delivered
// once and in the client's order, and the bounds hold.
func TestQueueModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(0, 0)
		cfg := fair.Config{
			Workers: 3, Batches: rapid.IntRange(1, 20).Draw(t, "batches"), ClientTxs: 3000, SuspectTxs: 200,
			Clients: 3, MinTake: 64, MaxTake: 512, Now: func() time.Time { return at },
		}
		q := fair.New[batch](cfg)
		sent := map[uint64]int{}    // pushed, by client
		waiting := map[uint64]int{} // not taken
		held := 0                   // batches not taken whole
		l := newLedger()
		workers := []*fair.Worker[batch]{q.Worker(), q.Worker(), q.Worker()}
		busy := make([][]*fair.Part[batch], 3)
		take := func(i int) bool {
			parts, ok := workers[i].TryTake()
			if !ok {
				return false
			}
			busy[i] = parts
			for _, p := range parts {
				waiting[p.Client] -= max(p.Hi-p.Lo, 1)
				if p.Hi == p.Lo && p.Batch.n > 0 {
					t.Fatal("an empty part")
				}
				if p.Last {
					held--
				}
				if p.Client != parts[0].Client && (q.Suspect(p.Client) || q.Suspect(parts[0].Client)) {
					t.Fatal("a suspect shares a batch")
				}
			}
			return true
		}
		finish := func(i int, bad int) {
			for _, p := range busy[i] {
				p.Bad = min(bad, p.Hi-p.Lo)
				p.Cost = p.Hi - p.Lo + 3*p.Bad
			}
			workers[i].Done(l.deliver)
			busy[i] = nil
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				c := rapid.Uint64Range(0, 4).Draw(t, "client")
				n := rapid.SampledFrom([]int{0, 1, 7, 100, 700, 5000}).Draw(t, "n")
				limit := 3000
				if q.Suspect(c) {
					limit = 200
				}
				want := held < cfg.Batches && (waiting[c] == 0 || waiting[c]+n <= limit)
				all, got := q.Push(c, batch{c, sent[c], n}, n)
				if got != want {
					t.Fatalf("Push of %d with %d waiting, %d batches held: %v, want %v", n, waiting[c], held, got, want)
				}
				if want {
					if all != held+1 {
						t.Fatalf("Push says that %d batches wait, want %d", all, held+1)
					}
					sent[c] += n
					waiting[c] += max(n, 1)
					held++
				}
			},
			"work": func(t *rapid.T) {
				i := rapid.IntRange(0, 2).Draw(t, "worker")
				if busy[i] == nil {
					take(i)
				} else {
					finish(i, rapid.SampledFrom([]int{0, 0, 1, 50}).Draw(t, "bad"))
				}
			},
			"time": func(t *rapid.T) {
				at = at.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond)
			},
			"": func(t *rapid.T) {
				if l.fault != "" {
					t.Fatal(l.fault)
				}
				if q.Len() != held {
					t.Fatalf("%d batches wait, want %d", q.Len(), held)
				}
			},
		})
		q.Close()
		if _, ok := q.Push(0, batch{}, 1); ok {
			t.Fatal("a closed queue takes a batch")
		}
		for i := range workers {
			if busy[i] != nil {
				finish(i, 0)
			}
		}
		for take(0) {
			finish(0, 0)
		}
		if _, ok := workers[1].Take(); ok {
			t.Fatal("a worker gets something from a drained queue")
		}
		for c, n := range sent {
			if l.next[c] != n {
				t.Fatalf("client %d: %d of %d were delivered", c, l.next[c], n)
			}
		}
		if l.fault != "" {
			t.Fatal(l.fault)
		}
	})
}

// share lets clients with endless backlogs be served and returns what each cost.
// bad is how many of ten of a client's signatures are bad.
func share(t *testing.T, bad map[uint64]int, rounds int) (cost map[uint64]int, txs map[uint64]int) {
	t.Helper()
	at := time.Unix(0, 0)
	q := fair.New[int](fair.Config{Workers: 2, Batches: 1 << 20, Now: func() time.Time { return at }})
	w := q.Worker()
	waiting := map[uint64]int{}
	cost, txs = map[uint64]int{}, map[uint64]int{}
	size := map[uint64]int{0: 10, 1: 700, 2: 256, 3: 1}
	for range rounds {
		for c := range bad {
			for waiting[c] < 4000 {
				if _, ok := q.Push(c, 0, size[c%4]); !ok {
					break
				}
				waiting[c] += size[c%4]
			}
		}
		for range 3 {
			parts, ok := w.TryTake()
			if !ok {
				t.Fatal("there is nothing to take")
			}
			for _, p := range parts {
				n := p.Hi - p.Lo
				p.Bad = (n*bad[p.Client] + 9) / 10
				p.Cost = n + 3*p.Bad
				cost[p.Client] += p.Cost
				txs[p.Client] += n
				waiting[p.Client] -= n
				at = at.Add(time.Duration(p.Cost) * 10 * time.Microsecond)
			}
			w.Done(func(*fair.Part[int]) {})
		}
	}
	return cost, txs
}

// Clients with enough to do get the same, whatever the size of their batches.
func TestEqualShares(t *testing.T) {
	cost, _ := share(t, map[uint64]int{0: 0, 1: 0, 2: 0, 3: 0}, 300)
	least, most := cost[0], cost[0]
	for _, n := range cost {
		least, most = min(least, n), max(most, n)
	}
	if len(cost) != 4 || most-least > 2*1024 {
		t.Errorf("the clients got %v", cost)
	}
}

// Suspects, however many, get an eighth of the cost together; those without bad
// signatures share the rest.
func TestSuspectsGetAnEighth(t *testing.T) {
	for _, ofTen := range []int{1, 10} {
		cost, txs := share(t, map[uint64]int{0: 0, 5: ofTen, 6: ofTen, 9: ofTen, 10: ofTen}, 2000)
		total, attackers := 0, 0
		for c, n := range cost {
			total += n
			if c != 0 {
				attackers += n
			}
		}
		if attackers*fair.SuspectPart > total*12/10 || attackers == 0 {
			t.Errorf("%d bad of ten: attackers cost %d of %d (%v transactions)", ofTen, attackers, total, txs)
		}
	}
}

// A suspect that mends its ways is one no more.
func TestSuspicionEnds(t *testing.T) {
	at := time.Unix(0, 0)
	q := fair.New[int](fair.Config{Now: func() time.Time { return at }})
	w := q.Worker()
	one := func(bad int) {
		t.Helper()
		if _, ok := q.Push(1, 0, 64); !ok {
			t.Fatal("an empty queue refuses")
		}
		parts, _ := w.TryTake()
		parts[0].Bad, parts[0].Cost = bad, 64+3*bad
		w.Done(func(*fair.Part[int]) {})
	}
	one(7)
	if q.Suspect(1) {
		t.Error("seven bad signatures make a suspect")
	}
	one(57)
	if !q.Suspect(1) || q.Stats().Suspects != 1 {
		t.Error("57 bad signatures of 64 make no suspect")
	}
	at = at.Add(3 * time.Second) // 64 are 8 then
	if !q.Suspect(1) {
		t.Error("suspicion ends too early")
	}
	at = at.Add(time.Second)
	if q.Suspect(1) {
		t.Error("suspicion does not end")
	}
}

// Only so many idle clients are remembered, suspects before others.
func TestClientsAreForgotten(t *testing.T) {
	at := time.Unix(0, 0)
	q := fair.New[int](fair.Config{Clients: 100, Now: func() time.Time { return at }})
	w := q.Worker()
	for id := range uint64(1000) {
		q.Push(id, 0, 20)
		parts, _ := w.TryTake()
		if id == 0 {
			parts[0].Bad = 20
		}
		w.Done(func(*fair.Part[int]) {})
		if n := q.Stats().Clients; n > 100 {
			t.Fatalf("%d clients are remembered", n)
		}
	}
	if !q.Suspect(0) {
		t.Error("a suspect was forgotten for the sake of others")
	}
}

// Workers that run side by side deliver everything, in order, and end.
func TestConcurrentWorkers(t *testing.T) {
	q := fair.New[batch](fair.Config{Workers: 4, Batches: 64})
	l := newLedger()
	var workers, senders sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			w := q.Worker()
			for {
				parts, ok := w.Take()
				if !ok {
					return
				}
				for _, p := range parts {
					if p.Cost = p.Hi - p.Lo; p.Client == 3 {
						p.Bad = p.Cost
					}
				}
				w.Done(l.deliver)
			}
		})
	}
	sent := make([]int, 4)
	for c := range sent {
		senders.Go(func() {
			for i := 0; i < 300; {
				n := 1 + i*37%900
				if _, ok := q.Push(uint64(c), batch{uint64(c), sent[c], n}, n); ok {
					sent[c] += n
					i++
				}
			}
		})
	}
	senders.Wait()
	q.Close()
	workers.Wait()
	for c, n := range sent {
		if l.next[uint64(c)] != n {
			t.Errorf("client %d: %d of %d were delivered", c, l.next[uint64(c)], n)
		}
	}
	if l.fault != "" {
		t.Error(l.fault)
	}
}

// Abort ends workers that wait, whatever is queued.
func TestAbort(t *testing.T) {
	q := fair.New[int](fair.Config{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, ok := q.Worker().Take(); ok {
				t.Error("a worker got something")
			}
		})
	}
	q.Abort()
	wg.Wait()
	if _, ok := q.Push(1, 1, 1); ok {
		t.Error("an aborted queue takes a batch")
	}
}

// BenchmarkQueue is a batch's way through the queue: 256 transactions pushed,
// taken and delivered.
func BenchmarkQueue(b *testing.B) {
	q := fair.New[int](fair.Config{})
	w := q.Worker()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q.Push(uint64(i%8), i, 256)
		if parts, ok := w.TryTake(); ok {
			parts[0].Cost = 256
			w.Done(func(*fair.Part[int]) {})
		}
	}
}
