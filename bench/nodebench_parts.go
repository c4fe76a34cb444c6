package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// StateRootBench is the time to commit to a block's changes: of several ledgers,
// each in memory of its own. Which physical pages a ledger gets decides how fast
// it is by up to half, for as long as it lives, while its blocks differ by a few
// per cent: one ledger would give a narrow interval around a chance.
type StateRootBench struct {
	Accounts int         `json:"accounts"`
	Updates  float64     `json:"updates"` // records changed per block, on average
	MS       float64     `json:"ms"`      // median of the ledgers
	CI95     *[2]float64 `json:"ms_ci95"`
	Samples  []float64   `json:"ms_samples"` // the median of each ledger's blocks
}

const (
	rootTransfers = 10_000 // from one account each to another: 20 000 updates
	rootBlocks    = 21
	rootLedgers   = 7
)

// benchStateRoot measures every ledger after the one before was given back to
// the system.
func benchStateRoot(ctx context.Context, accounts int) (*StateRootBench, error) {
	transfers := min(rootTransfers, accounts/2)
	b := &StateRootBench{Accounts: accounts, Updates: float64(2 * transfers)}
	for range rootLedgers {
		ms, err := ledgerRoot(ctx, accounts, transfers)
		if err != nil {
			return nil, err
		}
		b.Samples = append(b.Samples, ms)
		debug.FreeOSMemory()
	}
	b.MS, b.CI95 = stat.Median(b.Samples), interval95(b.Samples)
	return b, nil
}

// ledgerRoot executes blocks of transfers, times the root after each and returns
// the median in milliseconds.
func ledgerRoot(ctx context.Context, accounts, transfers int) (float64, error) {
	st := state.New(accounts)
	st.SetWorkers(runtime.GOMAXPROCS(0))
	for i := range accounts {
		var k [32]byte
		binary.LittleEndian.PutUint64(k[:], uint64(i)+1)
		if _, err := st.Add(k, 1<<40, tx.Membership{}); err != nil {
			return 0, err
		}
	}
	st.Root()
	var (
		txs    = make([]tx.View, transfers)
		status = make([]tx.Status, transfers)
		raw    []byte
		ms     []float64
		mixed  = uint64(1)
	)
	for height := range uint64(rootBlocks) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		raw = raw[:0]
		for i := range txs {
			// Senders and recipients are spread over the slots and do not meet
			// within a block: the odd ones pay the even ones.
			mixed = mixed*0x5851f42d4c957f2d + 0x14057b7ef767814f
			step := uint64(accounts / 2 / transfers)
			from := 2*(uint64(i)*step+mixed>>33%step) + 1
			to := 2 * ((uint64(i)*step + mixed>>13%step) % uint64(accounts/2))
			f := tx.Fields{Kind: tx.KindTransfer, From: uint32(from), To: uint32(to), Nonce: height + 1, Amount: 1, Expiry: 1 << 62}
			raw = f.AppendUnsigned(raw)
		}
		for i := range txs {
			txs[i] = raw[i*tx.Size:][:tx.Size]
		}
		st.Execute(height+1, txs, status)
		for i, s := range status {
			if s != tx.StatusOK {
				return 0, fmt.Errorf("%w: transfer %d of block %d: %s", ErrNodeBench, i, height+1, s)
			}
		}
		begin := time.Now()
		st.Root()
		ms = append(ms, time.Since(begin).Seconds()*1e3)
	}
	return stat.Median(ms), nil
}

// MemoryBench is what a node with many accounts and a warm key cache holds.
type MemoryBench struct {
	Accounts       int      `json:"accounts"`
	HeapBytes      int64    `json:"heap_bytes"` // live objects, without the feed's transactions
	HeapPerAccount float64  `json:"heap_bytes_per_account"`
	ResidentBytes  *int64   `json:"resident_bytes"` // what the process gained, with memory outside the heap
	PerAccount     *float64 `json:"resident_bytes_per_account"`
}

type memoryReading struct {
	heap     int64
	resident int64 // -1: unknown
}

// memoryNow collects garbage, gives unused memory back and reads what is left.
func memoryNow() memoryReading {
	debug.FreeOSMemory()
	m := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(m)
	return memoryReading{int64(m[0].Value.Uint64()), residentBytes()}
}

// since is what was gained, without the transactions that were added meanwhile.
func (r memoryReading) since(before memoryReading, txBytes int64, accounts int) *MemoryBench {
	b := &MemoryBench{Accounts: accounts, HeapBytes: r.heap - before.heap - txBytes}
	b.HeapPerAccount = float64(b.HeapBytes) / float64(accounts)
	if r.resident >= 0 && before.resident >= 0 {
		gained := r.resident - before.resident - txBytes
		per := float64(gained) / float64(accounts)
		b.ResidentBytes, b.PerAccount = &gained, &per
	}
	return b
}
