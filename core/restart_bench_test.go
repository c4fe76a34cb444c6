package core_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/merkle"
)

// BenchmarkRestart measures how long a node takes to start: opening the log,
// loading the newest snapshot and executing the blocks after it. Its log has
// 10 million transactions and its snapshot is 2 million behind the head, which
// is as far as it gets with the defaults; the row "genesis" executes all of them
// again. With -short it is a hundredth of that.
//
// The log is forged: blocks of 10 000 transfers with right roots and links, and
// signatures of zeros, because signing 10 million transactions takes minutes and
// a start does not check signatures (`weir node verify` and import do).
//
// Environment: WEIR_RESTART_TXS and WEIR_RESTART_ACCOUNTS set other sizes,
// WEIR_RESTART_DIR a directory that keeps the log for the next run.
func BenchmarkRestart(b *testing.B) {
	txs, accounts := 10_000_000, 1<<16
	if testing.Short() {
		txs, accounts = 100_000, 1<<10
	}
	txs, accounts = sizeFromEnv(b, "WEIR_RESTART_TXS", txs), sizeFromEnv(b, "WEIR_RESTART_ACCOUNTS", accounts)
	dir := os.Getenv("WEIR_RESTART_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	if _, err := os.Stat(filepath.Join(dir, "genesis.json")); err != nil {
		forgeLog(b, dir, txs, accounts)
	}
	for _, row := range []string{"snapshot", "genesis"} {
		b.Run(row, func(b *testing.B) {
			snaps, hidden := filepath.Join(dir, "snapshots"), filepath.Join(dir, "hidden")
			if row == "genesis" {
				if err := os.Rename(snaps, hidden); err != nil {
					b.Fatal(err)
				}
				defer func() {
					if err := os.Rename(hidden, snaps); err != nil {
						b.Fatal(err)
					}
				}()
			}
			var from core.RestoreReport
			for b.Loop() {
				n, err := core.Open(core.Config{Dir: dir, SnapshotTxs: -1})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				from = n.Restored
				if err := n.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			if (from.Height > 0) != (row == "snapshot") {
				b.Fatal(from)
			}
			b.ReportMetric(float64(from.Txs), "txs-executed")
		})
	}
}

func sizeFromEnv(b *testing.B, name string, size int) int {
	b.Helper()
	if s := os.Getenv(name); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 100_000 {
			b.Fatalf("%s is %q, give a number from 100000", name, s)
		}
		return n
	}
	return size
}

// forgeLog writes a log of txs transfers and the snapshot of a block four
// fifths on. That snapshot is made by a node: it closes there.
func forgeLog(b *testing.B, dir string, txs, accounts int) {
	b.Helper()
	const perBlock = 10_000
	begin := time.Now()
	gen := genesis.Dev(uint32(accounts))
	if err := os.WriteFile(filepath.Join(dir, "genesis.json"), gen.JSON(), 0o644); err != nil {
		b.Fatal(err)
	}
	st := state.New(accounts)
	for _, a := range gen.AllAccounts() {
		if _, err := st.Add(a.PublicKey, a.Balance, tx.Membership{}); err != nil {
			b.Fatal(err)
		}
	}
	var (
		chain  = gen.ChainID()
		prev   = tx.Hash(chain)
		views  = make([]tx.View, perBlock)
		leaves = make([][]byte, perBlock)
		status = make([]tx.Status, perBlock)
		tree   = merkle.NewBuilder(merkle.RFC6962, 0)
		one    = tx.Fields{Kind: tx.KindTransfer, Expiry: never, Amount: 1}
		body   []byte
	)
	write := func(from, to int) {
		log, err := store.Open(store.Options{Dir: dir, ChainID: chain})
		if err != nil {
			b.Fatal(err)
		}
		for height := from; height <= to; height++ {
			body = body[:0]
			for i := range perBlock {
				k := uint64(height-1)*perBlock + uint64(i)
				one.From, one.Nonce = uint32(k%uint64(accounts)), k/uint64(accounts)+1
				one.To = uint32((k * 0x9e3779b97f4a7c15 >> 32) % uint64(accounts))
				binary.LittleEndian.PutUint64(one.Memo[:], k)
				body = one.AppendUnsigned(body)
			}
			for i := range views {
				views[i] = body[i*tx.Size:][:tx.Size:tx.Size]
				leaves[i] = views[i]
			}
			st.Execute(uint64(height), views, status)
			root, err := tree.Root(leaves)
			if err != nil || status[0] != tx.StatusOK || status[perBlock-1] != tx.StatusOK {
				b.Fatal(err, status[0], status[perBlock-1])
			}
			h := tx.Header{
				Height: uint64(height), TimeNS: gen.TimeNS + uint64(height), Count: perBlock, BodyBytes: uint64(len(body)),
				Prev: prev, TxRoot: root, StateRoot: st.Root(),
			}
			if err := log.Append(uint64(height), h.Append(nil), body); err != nil {
				b.Fatal(err)
			}
			prev = h.Hash(&chain)
		}
		if err := log.Close(); err != nil {
			b.Fatal(err)
		}
	}
	blocks := txs / perBlock
	mid := blocks * 4 / 5
	write(1, mid)
	n, err := core.Open(core.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	if err := n.Close(); err != nil {
		b.Fatal(err)
	}
	if s := n.Snapshots(); s.Height != uint64(mid) {
		b.Fatalf("%+v", s)
	}
	write(mid+1, blocks)
	b.Logf("forged %d blocks in %v", blocks, time.Since(begin).Round(time.Millisecond))
}
