package workload

import (
	"fmt"
	"math"

	"github.com/chainweir/weir/core/tx"
)

// op is a transaction that has been decided on but not written. Accounts are
// places in the chain's list of keys.
type op struct {
	index   uint64 // in the run, or in the set-up
	amount  uint64
	nonce   uint64
	subject uint64 // what the subject is made of: the key's or the item's number
	from    uint32
	to      uint32
	tail    uint16 // bytes
	kind    tx.Kind
}

// size is the length of the encoding.
func (o *op) size() int {
	if o.kind.HasTail() {
		return tx.Size + 4 + int(o.tail)
	}
	return tx.Size
}

// component is one kind of transaction of one part of the mix.
type component struct {
	kind tx.Kind
	part *part
	p    float64 // its share of the transactions
}

// part is a part of the mix at work.
type part struct {
	spec     *Part
	from, to chooser
	hot      uint32
	amount   *sampler
	size     *sampler
	key      chooser
	keyTurn  []uint64 // by sender, if keys take turns

	base     uint32   // slot of the part's first collection
	owner    []uint32 // of the items that change hands, as of the last transfer drawn
	nextItem uint64
	nextCol  uint64
	burnt    uint32
	serial   uint64 // number of the next item's content
}

// generator decides on transactions, one after the other.
type generator struct {
	seed    uint64
	n       uint32   // accounts
	byRank  []uint32 // accounts in the order of their popularity
	mix     *alias
	comps   []component
	turn    uint64 // of senders, over all parts
	next    uint64 // index of the next transaction
	nonce   []uint64
	left    []uint64 // of the balance, if nothing ever comes in
	problem error    // ends the source
}

// Draws of different purposes come from different sequences.
const (
	streamOrder = 0x6f72646572 + iota<<48
	streamOp
	streamBytes
	streamSetup
	streamSetupBytes
	streamSubject
)

func (g *generator) rng(stream, index uint64) rng {
	return rng{mix64(g.seed^mix64(stream)) ^ mix64(index)}
}

func newGenerator(w *Workload, at *Chain, seed uint64) (*generator, error) {
	n := uint32(len(at.Keys))
	g := &generator{seed: seed, n: n, byRank: make([]uint32, n), nonce: make([]uint64, n), left: make([]uint64, n)}
	for k := range n {
		g.byRank[k], g.nonce[k], g.left[k] = k, 1, w.Accounts.Balance
	}
	copy(g.nonce, at.FirstNonce)
	copy(g.left, at.Balance)
	r := g.rng(streamOrder, 0)
	for i := n - 1; i > 0; i-- {
		j := uint32(r.below(uint64(i) + 1))
		g.byRank[i], g.byRank[j] = g.byRank[j], g.byRank[i]
	}
	item := uint64(at.FirstItem)
	var weights []float64
	add := func(k tx.Kind, p *part, of, all uint32) {
		if of > 0 {
			g.comps = append(g.comps, component{kind: k, part: p})
			weights = append(weights, float64(p.spec.Weight)*float64(of)/float64(all))
		}
	}
	for i := range w.Mix {
		p := &part{spec: &w.Mix[i]}
		switch {
		case p.spec.Transfer != nil:
			t := p.spec.Transfer
			p.from, p.to, p.amount = newChooser(t.From, n), newChooser(t.To, n), newSampler(&t.Amount)
			if t.Hot != nil {
				if p.hot = t.Hot.Accounts; p.hot >= n {
					return nil, fmt.Errorf("%w: %d hot accounts, there are %d in all; use a chain with more accounts or lower hot.accounts", ErrChain, p.hot, n)
				}
			}
			add(tx.KindTransfer, p, 1, 1)
		case p.spec.KV != nil:
			v := p.spec.KV
			p.from, p.key, p.size = newChooser(v.From, n), newChooser(v.Key, v.Keys), newSampler(&v.ValueBytes)
			p.keyTurn = make([]uint64, n)
			add(tx.KindPut, p, 1, 1)
		case p.spec.Collection != nil:
			c := p.spec.Collection
			p.to, p.size, p.base = newChooser(c.To, n), newSampler(&c.MetadataBytes), uint32(item)
			p.owner = make([]uint32, c.Items)
			for j := range p.owner {
				p.owner[j] = g.byRank[uint32(j)%n]
			}
			if item += uint64(c.Collections) + uint64(c.Items) + uint64(c.Burnable); item > math.MaxUint32 {
				return nil, fmt.Errorf("%w: %d items and collections, a chain has at most %d", ErrChain, item, uint32(math.MaxUint32))
			}
			all := c.Mint + c.Transfer + c.Burn
			add(tx.KindMint, p, c.Mint, all)
			add(tx.KindTransferItem, p, c.Transfer, all)
			add(tx.KindBurn, p, c.Burn, all)
		}
	}
	sum := 0.0
	for _, x := range weights {
		sum += x
	}
	for i := range g.comps {
		g.comps[i].p = weights[i] / sum
	}
	g.mix = newAlias(weights)
	return g, nil
}

// setup decides on what must stand before the first transaction of the run:
// collections and the items that change hands or are burnt. Their slots follow
// from this order.
func (g *generator) setup() []op {
	var ops []op
	seen := map[*part]bool{}
	for _, c := range g.comps {
		p := c.part
		k := p.spec.Collection
		if k == nil || seen[p] {
			continue
		}
		seen[p] = true
		add := func(o op) {
			o.index = uint64(len(ops))
			r := g.rng(streamSetup, o.index)
			o.tail = uint16(p.size.draw(&r))
			ops = append(ops, g.number(o))
		}
		for col := range uint64(k.Collections) {
			add(op{kind: tx.KindCreateCollection, from: g.owner(col), subject: p.content()})
		}
		for j := range uint64(k.Items) + uint64(k.Burnable) {
			add(op{
				kind: tx.KindMint, from: g.owner(j % uint64(k.Collections)), to: g.byRank[j%uint64(g.n)],
				amount: uint64(p.base) + j%uint64(k.Collections), subject: p.content(),
			})
		}
	}
	return ops
}

// content is the number of the next item's content, unlike all before.
func (p *part) content() uint64 {
	p.serial++
	return uint64(p.base)<<32 ^ p.serial
}

// owner is the account that has a collection.
func (g *generator) owner(collection uint64) uint32 { return g.byRank[collection%uint64(g.n)] }

// number gives a transaction its sender's next nonce.
func (g *generator) number(o op) op {
	o.nonce = g.nonce[o.from]
	g.nonce[o.from]++
	return o
}

// draw decides on the next transaction.
func (g *generator) draw() (op, error) {
	if g.problem != nil {
		return op{}, g.problem
	}
	r := g.rng(streamOp, g.next)
	c := &g.comps[g.mix.pick(&r)]
	o := op{index: g.next, kind: c.kind}
	p := c.part
	switch c.kind {
	case tx.KindTransfer:
		g.transfer(&o, p, &r)
	case tx.KindPut:
		o.from = g.byRank[p.from.rank(&r, &g.turn)]
		o.subject = uint64(p.key.rank(&r, &p.keyTurn[o.from]))
		o.tail = uint16(p.size.draw(&r))
	case tx.KindMint:
		col := p.nextCol % uint64(p.spec.Collection.Collections)
		p.nextCol++
		o.from, o.amount, o.subject = g.owner(col), uint64(p.base)+col, p.content()
		o.to = g.byRank[p.to.rank(&r, &g.turn)]
		o.tail = uint16(p.size.draw(&r))
	case tx.KindTransferItem:
		j := p.nextItem % uint64(len(p.owner))
		p.nextItem++
		o.from, o.amount = p.owner[j], uint64(p.base)+uint64(p.spec.Collection.Collections)+j
		o.to = g.other(&p.to, &r, o.from)
		p.owner[j] = o.to
	case tx.KindBurn:
		k := p.spec.Collection
		if p.burnt == k.Burnable {
			g.problem = fmt.Errorf("%w: all %d burnable items are burnt before transaction %d; raise burnable, lower the weight of burn, or send less", ErrUsedUp, k.Burnable, g.next)
			return op{}, g.problem
		}
		j := uint64(k.Items) + uint64(p.burnt)
		p.burnt++
		o.from, o.amount = g.byRank[j%uint64(g.n)], uint64(p.base)+uint64(k.Collections)+j
	}
	if g.problem == nil {
		g.next++
	}
	return g.number(o), g.problem
}

// transfer chooses who pays whom how much.
func (g *generator) transfer(o *op, p *part, r *rng) {
	h := p.spec.Transfer.Hot
	hotFrom, hotTo := false, false
	if h != nil && float64(r.next()>>11)/(1<<53) < h.Share {
		hotFrom, hotTo = h.Side != "to", h.Side != "from"
	}
	hot := chooser{n: p.hot}
	switch {
	case hotFrom:
		o.from = g.byRank[hot.rank(r, nil)]
	default:
		o.from = g.byRank[p.from.rank(r, &g.turn)]
	}
	to := &p.to
	if hotTo {
		to = &hot
	}
	o.to = g.other(to, r, o.from)
	o.amount = p.amount.draw(r)
	if o.amount > g.left[o.from] {
		g.problem = fmt.Errorf("%w: account %d has spent its balance before transaction %d, and what it receives may come later; lower the amounts, raise accounts.balance or accounts.count, or send less", ErrUsedUp, o.from, g.next)
		return
	}
	g.left[o.from] -= o.amount
}

// redraws bounds the search for another account where one has nearly all the
// probability; after them the next in rank is taken.
const redraws = 64

// other draws an account that is not the given one.
func (g *generator) other(c *chooser, r *rng, than uint32) uint32 {
	var rank uint32
	for range redraws {
		rank = c.rank(r, &g.turn)
		if k := g.byRank[rank]; k != than {
			return k
		}
	}
	return g.byRank[(rank+1)%g.n]
}
