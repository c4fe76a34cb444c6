package state_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

const (
	benchAccounts  = 1 << 20
	benchTransfers = 10_000
)

// bigLedger has a million accounts.
func bigLedger(b *testing.B, workers int) *state.State {
	b.Helper()
	s := state.New(benchAccounts)
	s.SetWorkers(workers)
	for i := range benchAccounts {
		var k [32]byte
		binary.LittleEndian.PutUint64(k[:], uint64(i))
		if _, err := s.Add(k, 1<<40, tx.Membership{}); err != nil {
			b.Fatal(err)
		}
	}
	s.Root()
	return s
}

// payments are the transfers of blocks, in the same memory every time.
type payments struct {
	rng    *rand.Rand
	arena  []byte
	txs    []tx.View
	status []tx.Status
	from   []int
}

func newPayments() *payments {
	p := &payments{rng: rand.New(rand.NewPCG(1, 2)), arena: make([]byte, 0, benchTransfers*tx.Size),
		txs: make([]tx.View, benchTransfers), status: make([]tx.Status, benchTransfers)}
	p.from = p.rng.Perm(benchAccounts)[:benchTransfers]
	return p
}

func (p *payments) fill(height uint64) {
	p.arena = p.arena[:0]
	for i := range p.txs {
		f := tx.Fields{Kind: tx.KindTransfer, From: uint32(p.from[i]), To: uint32(p.rng.IntN(benchAccounts)), Nonce: height, Amount: 1, Expiry: height}
		p.arena = f.AppendUnsigned(p.arena)
		p.txs[i] = p.arena[i*tx.Size:][:tx.Size]
	}
}

func (p *payments) check(b *testing.B) {
	b.Helper()
	for i, st := range p.status {
		if st != tx.StatusOK {
			b.Fatalf("transfer %d: %s", i, st)
		}
	}
}

// BenchmarkStateRoot commits to 10 000 transfers, which change about 20 000
// records, in a ledger of a million accounts.
func BenchmarkStateRoot(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			s, p := bigLedger(b, workers), newPayments()
			height := uint64(0)
			for b.Loop() {
				b.StopTimer()
				height++
				p.fill(height)
				s.Execute(height, p.txs, p.status)
				p.check(b)
				b.StartTimer()
				s.Root()
			}
		})
	}
}

// BenchmarkExecute executes 10 000 transfers in a ledger of a million accounts.
func BenchmarkExecute(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			s, p := bigLedger(b, workers), newPayments()
			height := uint64(0)
			for b.Loop() {
				b.StopTimer()
				height++
				p.fill(height)
				b.StartTimer()
				s.Execute(height, p.txs, p.status)
				b.StopTimer()
				p.check(b)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchTransfers, "ns/tx")
		})
	}
}

// BenchmarkMemory reports what an account takes in a ledger of a million, the
// tree and the index of public keys included.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := bigLedger(b, 1)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/benchAccounts, "B/account")
		runtime.KeepAlive(s)
	}
}
