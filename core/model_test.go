package core_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// kindChain is a chain of n members, the first of them an administrator, and
// one account more that is given roles and sends nothing.
func kindChain(n int) (*genesis.Genesis, *wallet) {
	gen := genesis.Dev(1)
	keys := (&genesis.Derived{Seed: "kinds", Count: uint32(n + 1), Balance: 1}).PrivateKeys(n + 1)
	gen.Derived = nil
	for _, k := range keys {
		gen.Accounts = append(gen.Accounts, genesis.Account{PublicKey: genesis.Key(k.Public().(ed25519.PublicKey)), Balance: 1 << 40})
	}
	gen.Accounts[0].Role = "admin"
	return gen, &wallet{gen.ChainID(), keys, make([]uint64, n+1)}
}

// mixer makes frames with every kind of transaction, many of which fail: it
// does not know which items exist by now and whose they are.
type mixer struct {
	w      *wallet
	n      uint32 // members
	rng    *rand.Rand
	frames uint32
	opened int // items that would exist if all had been committed
}

func newMixer(w *wallet, n int, seed uint64) *mixer {
	return &mixer{w: w, n: uint32(n), rng: rand.New(rand.NewPCG(seed, 11))}
}

// Owners in the frames of a mixer.
const (
	collector = 1 // of all collections
	minted    = 2 // of new items
	given     = 3 // of items that were given away, some of which are burnt
)

// mixed is how many transactions a mixer's frame has.
const mixed = 13

// frame is the next frame, with each kind once at least.
func (m *mixer) frame() []tx.View {
	id := [32]byte{0: 9}
	binary.LittleEndian.PutUint32(id[1:], m.frames)
	second := id
	second[31] = 1
	m.frames++
	item := func() uint64 { return uint64(m.rng.IntN(m.opened + 1)) }
	a, b := uint64(m.rng.IntN(50)), uint64(m.rng.IntN(50))
	from, to := m.rng.Uint32N(m.n), m.rng.Uint32N(m.n)
	role := tx.Membership{Role: tx.Role(m.rng.IntN(4)), Validator: m.rng.IntN(2) == 0}
	fields := []tx.Fields{
		{Kind: tx.KindRegister, From: from, Amount: 3, Subject: id},
		{Kind: tx.KindMint, From: collector, To: minted, Amount: 0, Subject: id, Tail: []byte("first")},
		{Kind: tx.KindMint, From: collector, To: minted, Amount: item(), Subject: second, Tail: []byte{}},
		{Kind: tx.KindTransferItem, From: minted, To: given, Amount: item()},
		{Kind: tx.KindTransferItem, From: minted, To: given, Amount: item()},
		{Kind: tx.KindBurn, From: given, Amount: item()},
		{Kind: tx.KindPut, From: from, Subject: [32]byte{byte(m.rng.IntN(9))}, Tail: make([]byte, m.rng.IntN(900))},
		{Kind: tx.KindMultiTransfer, From: to, Amount: a + b, Tail: tx.AppendOutputs(nil, []tx.Output{{To: from, Amount: a}, {To: m.n, Amount: b}})},
		{Kind: tx.KindMultiTransfer, From: to, Amount: 1<<41 + a, Tail: tx.AppendOutputs(nil, []tx.Output{{To: from, Amount: a}, {To: m.n, Amount: 1 << 41}})},
		{Kind: tx.KindSetRole, From: 0, To: m.n, Amount: role.Amount()},
		{Kind: tx.KindTransfer, From: from, To: to, Amount: a},
		{Kind: tx.KindTransfer, From: to, To: from, Amount: 1 << 50}, // too much
	}
	// Collections come first: the first frame's is item 0, into which all mint.
	txs := []tx.View{m.w.sign(tx.Fields{Kind: tx.KindCreateCollection, From: collector, Subject: id, Tail: []byte("about it")})}
	for _, f := range fields {
		txs = append(txs, m.w.sign(f))
	}
	m.opened += 3
	return txs
}

// model is the ledger as the rules say it is after a number of blocks, in maps,
// written down without a look at package state's way of doing it.
type model struct {
	accounts []modelAccount
	items    []state.Item
	keys     map[modelKey]state.KeyValue
	kinds    [tx.NumKinds]int // transactions of each
	height   uint64
}

type modelAccount struct {
	key     [32]byte
	balance int64
	used    map[uint64]bool
	high    uint64
	member  tx.Membership
}

type modelKey struct {
	owner uint32
	key   [32]byte
}

func newModel(gen *genesis.Genesis) *model {
	m := &model{keys: map[modelKey]state.KeyValue{}}
	for _, a := range gen.AllAccounts() {
		m.accounts = append(m.accounts, modelAccount{a.PublicKey, int64(a.Balance), map[uint64]bool{}, 0, a.Membership()})
	}
	return m
}

// block applies the transactions of the next block.
func (m *model) block(height uint64, txs []tx.View) error {
	if m.height++; m.height != height {
		return fmt.Errorf("block %d follows block %d", height, m.height-1)
	}
	for i, v := range txs {
		if err := m.apply(v); err != nil {
			return fmt.Errorf("block %d, transaction %d (%s): %w", height, i, v.Kind(), err)
		}
	}
	return nil
}

func (m *model) apply(v tx.View) error {
	from := &m.accounts[v.From()]
	if from.used[v.Nonce()] {
		return fmt.Errorf("number %d of account %d again", v.Nonce(), v.From())
	}
	from.used[v.Nonce()] = true
	from.high = max(from.high, v.Nonce())
	m.kinds[v.Kind()]++
	event := state.Event{Height: m.height, Nonce: v.Nonce(), From: v.From(), To: v.To(), Kind: v.Kind()}
	switch v.Kind() {
	case tx.KindTransfer:
		from.balance -= int64(v.Amount())
		m.accounts[v.To()].balance += int64(v.Amount())
	case tx.KindMultiTransfer:
		from.balance -= int64(v.Amount())
		for i := range v.NumOutputs() {
			m.accounts[v.Output(i).To].balance += int64(v.Output(i).Amount)
		}
	case tx.KindRegister:
		from.balance -= int64(v.Amount())
		m.accounts = append(m.accounts, modelAccount{[32]byte(v.Subject()), int64(v.Amount()), map[uint64]bool{}, 0, tx.Membership{}})
	case tx.KindSetRole:
		m.accounts[v.To()].member = tx.Membership{Role: tx.Role(v.Amount() & 0xff), Validator: v.Amount()>>8&1 == 1}
	case tx.KindPut:
		k := modelKey{v.From(), [32]byte(v.Subject())}
		m.keys[k] = state.KeyValue{Key: k.key, ValueHash: sha256.Sum256(v.Tail()), Owner: k.owner,
			ValueBytes: uint32(len(v.Tail())), Version: m.keys[k].Version + 1, Height: m.height}
	default:
		return m.item(v, event)
	}
	return nil
}

// item applies a transaction about collections and items.
func (m *model) item(v tx.View, e state.Event) error {
	it := state.Item{Content: [32]byte(v.Subject()), Metadata: sha256.Sum256(v.Tail()), Owner: v.From()}
	at := v.Amount()
	if v.Kind() != tx.KindCreateCollection && at >= uint64(len(m.items)) {
		return fmt.Errorf("there is no item %d", at)
	}
	switch v.Kind() {
	case tx.KindCreateCollection:
		e.To = v.From()
		it.Sort, it.Collection, it.Limit = state.SortCollection, uint32(len(m.items)), at
	case tx.KindMint:
		c := &m.items[at]
		c.Minted++
		it.Sort, it.Collection, it.Owner, it.Height, it.Number = state.SortItem, uint32(at), v.To(), m.height, c.Minted
	default:
		old := &m.items[at]
		if old.Owner != v.From() || old.Sort == state.SortBurnt {
			return fmt.Errorf("item %d is account %d's (%d)", at, old.Owner, old.Sort)
		}
		old.History = e.Next(old.History)
		if v.Kind() == tx.KindBurn {
			old.Sort = state.SortBurnt
		} else {
			old.Owner = v.To()
			old.Transfers++
		}
		return nil
	}
	it.History = e.Next([32]byte{})
	m.items = append(m.items, it)
	return nil
}

// compare holds a node's whole ledger to the model. A transaction of which the
// ledger has one half, whichever, makes a difference.
func (m *model) compare(n *core.Node) error {
	ctx := context.Background()
	if got := n.Stats().Accounts; got != len(m.accounts) {
		return fmt.Errorf("the ledger has %d accounts, the blocks make %d", got, len(m.accounts))
	}
	for slot, want := range m.accounts {
		a, err := n.Account(ctx, uint32(slot))
		if err != nil {
			return err
		}
		if err := want.compare(state.DecodeRecord(a.Record[:])); err != nil {
			return fmt.Errorf("account %d: %w", slot, err)
		}
	}
	for slot, want := range m.items {
		a, err := n.Item(ctx, uint32(slot))
		if err != nil {
			return err
		}
		if got := state.DecodeItem(a.Record); got != want {
			return fmt.Errorf("item %d is %+v, the blocks make %+v", slot, got, want)
		}
	}
	if _, err := n.Item(ctx, uint32(len(m.items))); err == nil {
		return fmt.Errorf("the ledger has more than the %d items of the blocks", len(m.items))
	}
	for k, want := range m.keys {
		a, err := n.Key(ctx, k.owner, k.key)
		if err != nil {
			return err
		}
		if got := state.DecodeKey(a.Record); got != want {
			return fmt.Errorf("key %x of account %d is %+v, the blocks make %+v", k.key[:4], k.owner, got, want)
		}
	}
	return nil
}

func (a *modelAccount) compare(got state.Account) error {
	if got.PublicKey != a.key || int64(got.Balance) != a.balance || got.Membership != a.member || got.Window.High != a.high {
		return fmt.Errorf("it has %d, membership %+v, highest number %d; the blocks make %d, %+v, %d",
			got.Balance, got.Membership, got.Window.High, a.balance, a.member, a.high)
	}
	for nonce := max(a.high, tx.WindowSize) - tx.WindowSize + 1; nonce <= a.high; nonce++ {
		if used := got.Window.Check(nonce) == tx.StatusNonceUsed; used != a.used[nonce] {
			return fmt.Errorf("number %d is used: %v, stands in a block: %v", nonce, used, a.used[nonce])
		}
	}
	return nil
}

// split parses a block's body.
func split(body []byte) (txs []tx.View, err error) {
	for len(body) > 0 {
		var v tx.View
		if v, body, err = tx.Parse(body); err != nil {
			return nil, err
		}
		txs = append(txs, v)
	}
	return txs, nil
}

// missing lists the kinds of which there was no transaction.
func (m *model) missing() (kinds []string) {
	for k := tx.Kind(1); k.Known(); k++ {
		if m.kinds[k] == 0 {
			kinds = append(kinds, k.String())
		}
	}
	return kinds
}
