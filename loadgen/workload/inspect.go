package workload

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/chainweir/weir/core/tx"
)

// Inspection is what a workload will send, without sending it.
type Inspection struct {
	Schema   string `json:"schema"` // weir.workload/1
	Name     string `json:"name"`
	Seed     uint64 `json:"seed"`
	Accounts int    `json:"accounts"`

	SetupTxs   int     `json:"setup_txs"`
	SampledTxs int     `json:"sampled_txs"` // what the distributions below are of
	Limit      *string `json:"limit"`       // why the sample is shorter than asked, or null

	Kinds []KindShare `json:"kinds"`
	// TxBytes are the lengths of the encodings; ExpectedTxBytes is their mean by
	// the distributions themselves.
	TxBytes         Sizes   `json:"tx_bytes"`
	ExpectedTxBytes float64 `json:"expected_tx_bytes"`
	// PayloadBytesPerTx is what reaches the node's socket, with the header of
	// the frame: of full frames, and of frames of one transaction. Headers of
	// TCP and below come on top.
	PayloadBytesPerTx struct {
		FullFrames   float64 `json:"full_frames"`
		SingleFrames float64 `json:"single_frames"`
	} `json:"payload_bytes_per_tx"`

	Senders    Spread `json:"senders"`
	Recipients Spread `json:"recipients"`
	// OrderSlackTxs is how far connections may overtake each other; see Source.
	OrderSlackTxs int `json:"order_slack_txs"`

	Transactions []Shown `json:"transactions"` // the first, decoded
}

// KindShare is how often a kind occurs.
type KindShare struct {
	Kind     string  `json:"kind"`
	Expected float64 `json:"expected_share"`
	Sampled  float64 `json:"sampled_share"`
}

// Sizes is a distribution of lengths in bytes.
type Sizes struct {
	Min  int     `json:"min"`
	Mean float64 `json:"mean"`
	P50  int     `json:"p50"`
	P90  int     `json:"p90"`
	P99  int     `json:"p99"`
	Max  int     `json:"max"`
}

// Spread says how evenly transactions fall on accounts.
type Spread struct {
	Distinct int     `json:"distinct"`
	TopShare float64 `json:"top_share"` // of the busiest account
	Top1Pct  float64 `json:"top_1pct_share"`
	Top10Pct float64 `json:"top_10pct_share"`
}

// Shown is one decoded transaction.
type Shown struct {
	Index     int     `json:"index"`
	Kind      string  `json:"kind"`
	From      uint32  `json:"from"`
	To        *uint32 `json:"to"`
	Amount    *uint64 `json:"amount"` // of a transfer
	Item      *uint64 `json:"item"`   // slot of an item, or of the collection of a mint
	Nonce     uint64  `json:"nonce"`
	TailBytes int     `json:"tail_bytes"`
	Bytes     int     `json:"bytes"`
	Subject   string  `json:"subject"` // hex; empty for kinds without
	ID        string  `json:"id"`
}

// maxAccounts is the schema's limit.
const maxAccounts = 1 << 17

// MaxInspect is the largest sample.
const MaxInspect = 10_000_000

// submitHeader is the header of a frame and of the submission in it; frameTxs
// what the generator puts into one at most.
const (
	submitHeader = 8 + 16
	frameTxs     = 1024
)

// Inspect draws a sample and signs the first few, to show them as they will be
// sent on the workload's own chain.
func (w *Workload) Inspect(seed uint64, sample, show int) (*Inspection, error) {
	if sample < 1 || sample > MaxInspect || show < 0 || show > sample {
		return nil, fmt.Errorf("%w: a sample of %d of which %d are shown; give up to %d, and show no more", ErrInvalid, sample, show, MaxInspect)
	}
	if w.Accounts.Count < 2 || w.Accounts.Count > maxAccounts {
		return nil, fmt.Errorf("%w: %d accounts; give 2 to %d", ErrInvalid, w.Accounts.Count, maxAccounts)
	}
	g := w.Genesis()
	at := Chain{ID: g.ChainID(), Keys: g.Derived.PrivateKeys(int(g.Derived.Count)), FirstSlot: g.FirstDerivedSlot()}
	s, err := Open(w, at, seed, Options{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // a sample is never stored
	in := &Inspection{Schema: Schema, Name: w.Name, Seed: seed, Accounts: int(s.gen.n), SetupTxs: len(s.setupOps)}
	in.ExpectedTxBytes, in.OrderSlackTxs = s.MeanBytes(), s.OrderSlackTxs()
	in.PayloadBytesPerTx.FullFrames = in.ExpectedTxBytes + float64(submitHeader)/frameTxs
	in.PayloadBytesPerTx.SingleFrames = in.ExpectedTxBytes + submitHeader
	in.Transactions = []Shown{}
	enc := newEncoders(&s.at, seed, streamBytes)[0]
	from, to := make([]int, s.gen.n), make([]int, s.gen.n)
	var kinds [tx.NumKinds]int
	var sizes [tx.MaxSize + 1]int
	for i := range sample {
		o, err := s.gen.draw()
		if err != nil {
			text := err.Error()
			in.Limit = &text
			break
		}
		in.SampledTxs++
		kinds[o.kind]++
		sizes[o.size()]++
		from[o.from]++
		if o.hasTo() {
			to[o.to]++
		}
		if i < show {
			in.Transactions = append(in.Transactions, shown(i, tx.View(enc.put(nil, &o)), &at.ID))
		}
	}
	in.summarize(s.gen, kinds[:], sizes[:])
	in.Senders, in.Recipients = spread(from), spread(to)
	return in, nil
}

// hasTo tells whether the kind has a recipient.
func (o *op) hasTo() bool {
	return o.kind == tx.KindTransfer || o.kind == tx.KindMint || o.kind == tx.KindTransferItem
}

func (in *Inspection) summarize(g *generator, kinds, sizes []int) {
	n := float64(max(in.SampledTxs, 1))
	for k := range kinds {
		row := KindShare{Kind: tx.Kind(k).String(), Sampled: float64(kinds[k]) / n}
		for _, c := range g.comps {
			if int(c.kind) == k {
				row.Expected += c.p
			}
		}
		if row.Expected > 0 {
			in.Kinds = append(in.Kinds, row)
		}
	}
	at := func(q float64) int {
		rank, seen := int(math.Ceil(q*n)), 0
		for size, k := range sizes {
			if seen += k; k > 0 && seen >= rank {
				return size
			}
		}
		return 0
	}
	t := &in.TxBytes
	for size, k := range sizes {
		t.Mean += float64(size) * float64(k) / n
	}
	t.Min, t.P50, t.P90, t.P99, t.Max = at(0), at(0.5), at(0.9), at(0.99), at(1)
}

func spread(counts []int) Spread {
	c := slices.Clone(counts)
	slices.SortFunc(c, func(a, b int) int { return b - a })
	var s Spread
	all := 0
	for _, k := range c {
		all += k
		if k > 0 {
			s.Distinct++
		}
	}
	if all == 0 {
		return s
	}
	top := func(n int) float64 {
		sum := 0
		for _, k := range c[:min(max(n, 1), len(c))] {
			sum += k
		}
		return float64(sum) / float64(all)
	}
	s.TopShare, s.Top1Pct, s.Top10Pct = top(1), top(len(c)/100), top(len(c)/10)
	return s
}

func shown(i int, v tx.View, chain *tx.ChainID) Shown {
	id := v.ID(chain)
	s := Shown{Index: i, Kind: v.Kind().String(), From: v.From(), Nonce: v.Nonce(), TailBytes: len(v.Tail()), Bytes: len(v), ID: hex.EncodeToString(id[:])}
	to, amount := v.To(), v.Amount()
	switch v.Kind() {
	case tx.KindTransfer:
		s.To, s.Amount = &to, &amount
	case tx.KindMint, tx.KindTransferItem:
		s.To, s.Item = &to, &amount
	case tx.KindBurn:
		s.Item = &amount
	}
	switch v.Kind() {
	case tx.KindMint, tx.KindPut:
		s.Subject = hex.EncodeToString(v.Subject())
	}
	return s
}
