package ethereum

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/chainweir/weir/loadgen/jsonrpc"
)

// ErrFunds says that the sending accounts cannot be given what they need.
var ErrFunds = errors.New("the sending accounts cannot be funded")

// transferGas is what a transfer costs (Yellow Paper, appendix G).
const transferGas = 21_000

// Fees: the most that a sender pays is so many times the base fee at the start,
// because the base fee may rise by an eighth with every full block.
const feeHeadroom = 10

var (
	ether   = new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)
	gwei    = big.NewInt(1_000_000_000)
	reserve = new(big.Int).Mul(ether, big.NewInt(10)) // of each sending account
)

// fundPoll is how often funding and pools are looked at.
const fundPoll = 50 * time.Millisecond

// Chain is what the node says of itself and what is paid on it.
type Chain struct {
	ID      uint64
	Version string
	MaxFee  *big.Int // wei per gas
	Tip     *big.Int // wei per gas
}

// Chain is known after Prepare.
func (t *Target) Chain() Chain { return t.chain }

// Prepare asks for the chain and its fees, makes the sending accounts, gives
// them what they need and makes the source. Say, which may be nil, is told
// what goes on.
func (t *Target) Prepare(ctx context.Context, say func(string)) error {
	if say == nil {
		say = func(string) {}
	}
	if err := t.prices(ctx); err != nil {
		return fmt.Errorf("Ethereum node at %s: %w", t.addr, err)
	}
	seed := make([]byte, 32)
	if t.o.Key != nil {
		// The same accounts every time, so that what they have left is used.
		h := keccak([]byte("weir load seed"), t.o.Key.private.Serialize())
		copy(seed, h[:])
	} else if _, err := rand.Read(seed); err != nil {
		return err
	}
	t.keys = make([]*Key, t.o.Accounts)
	for i := range t.keys {
		t.keys[i] = derive(seed, i)
	}
	if err := t.fund(ctx, say); err != nil {
		return fmt.Errorf("Ethereum node at %s: %w", t.addr, err)
	}
	var err error
	if t.first, err = t.nonces(ctx); err != nil {
		return fmt.Errorf("Ethereum node at %s: %w", t.addr, err)
	}
	t.src = jsonrpc.NewPacked(t.make)
	return nil
}

// prices learns the chain's id and what to pay.
func (t *Target) prices(ctx context.Context) (err error) {
	if t.chain.ID, err = t.number(ctx, "eth_chainId"); err != nil {
		return err
	}
	if err := t.ask.Call(ctx, &t.chain.Version, "web3_clientVersion"); err != nil {
		return err
	}
	head, err := t.blockAt(ctx, "latest")
	if err != nil {
		return err
	}
	if head == nil || head.BaseFee == "" {
		return errors.New("its blocks have no base fee: it is on a chain before EIP-1559")
	}
	base, err := head.BaseFee.big()
	if err != nil {
		return err
	}
	if t.chain.Tip, err = t.amount(ctx, "eth_maxPriorityFeePerGas"); err != nil {
		return err
	}
	if t.chain.Tip.Sign() == 0 {
		t.chain.Tip.SetInt64(1) // pools may want something
	}
	if base.Cmp(gwei) < 0 {
		base = gwei
	}
	t.chain.MaxFee = new(big.Int).Mul(base, big.NewInt(feeHeadroom))
	t.chain.MaxFee.Add(t.chain.MaxFee, t.chain.Tip)
	return nil
}

// make signs transaction i: from account i mod N, with its next nonce, to the
// next account.
func (t *Target) make(dst []byte, i int) ([]byte, uint64, error) {
	n := len(t.keys)
	from := i % n
	dst, h := (&Transfer{
		ChainID: t.chain.ID, Nonce: t.first[from] + uint64(i/n), MaxPriorityFee: t.chain.Tip, MaxFee: t.chain.MaxFee,
		Gas: transferGas, To: t.keys[(from+1)%n].addr, Value: big.NewInt(int64(1 + i%100)),
	}).Sign(dst, t.keys[from])
	return dst, binary.BigEndian.Uint64(h[:]), nil
}

// fund gives every account that has less than half of the reserve the whole of it.
func (t *Target) fund(ctx context.Context, say func(string)) error {
	var poor []int
	err := t.each(ctx, "eth_getBalance", func(i int, q quantity) error {
		v, err := q.big()
		if err == nil && new(big.Int).Lsh(v, 1).Cmp(reserve) < 0 {
			poor = append(poor, i)
		}
		return err
	})
	if err != nil || len(poor) == 0 {
		return err
	}
	say(fmt.Sprintf("funding %d accounts", len(poor)))
	if t.o.Key != nil {
		err = t.fundSigned(ctx, poor)
	} else {
		err = t.fundUnlocked(ctx, poor)
	}
	if err != nil {
		return err
	}
	return t.funded(ctx)
}

// fundSigned pays from the account of Options.Key.
func (t *Target) fundSigned(ctx context.Context, poor []int) error {
	payer := t.o.Key.addr.String()
	have, err := t.amount(ctx, "eth_getBalance", payer, "latest")
	if err != nil {
		return err
	}
	need := new(big.Int).Mul(t.chain.MaxFee, big.NewInt(transferGas))
	need.Mul(need.Add(need, reserve), big.NewInt(int64(len(poor))))
	if have.Cmp(need) < 0 {
		return fmt.Errorf("%w: %s has %s wei, %d accounts need %s: use the key of an account that has more, or fewer accounts", ErrFunds, payer, have, len(poor), need)
	}
	nonce, err := t.number(ctx, "eth_getTransactionCount", payer, "pending")
	if err != nil {
		return err
	}
	var rs []jsonrpc.Request
	for _, i := range poor {
		raw, _ := (&Transfer{
			ChainID: t.chain.ID, Nonce: nonce, MaxPriorityFee: t.chain.Tip, MaxFee: t.chain.MaxFee,
			Gas: transferGas, To: t.keys[i].addr, Value: reserve,
		}).Sign(nil, t.o.Key)
		rs = append(rs, jsonrpc.Request{Method: "eth_sendRawTransaction", Params: []any{rawParam(raw)}})
		nonce++
	}
	return t.sendAll(ctx, rs)
}

// fundUnlocked pays from an account that the node holds the key of, as nodes in
// developer mode do.
func (t *Target) fundUnlocked(ctx context.Context, poor []int) error {
	var accounts []string
	if err := t.ask.Call(ctx, &accounts, "eth_accounts"); err != nil {
		return fmt.Errorf("%w: %w", ErrFunds, err)
	}
	if len(accounts) == 0 {
		return fmt.Errorf("%w: the node has no account of its own: give the private key of one that has money on this chain (--eth-key)", ErrFunds)
	}
	var rs []jsonrpc.Request
	for _, i := range poor {
		rs = append(rs, jsonrpc.Request{Method: "eth_sendTransaction", Params: []any{map[string]string{
			"from": accounts[0], "to": t.keys[i].addr.String(), "value": hexBig(reserve),
			"gas": fmt.Sprintf("0x%x", transferGas), "maxFeePerGas": hexBig(t.chain.MaxFee), "maxPriorityFeePerGas": hexBig(t.chain.Tip),
		}}})
	}
	return t.sendAll(ctx, rs)
}

// sendAll sends transactions that must all be taken.
func (t *Target) sendAll(ctx context.Context, rs []jsonrpc.Request) error {
	for len(rs) > 0 {
		n := min(len(rs), maxBatch)
		ms, err := t.ask.Batch(ctx, rs[:n])
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFunds, err)
		}
		for i := range ms {
			if ms[i].Error != nil {
				return fmt.Errorf("%w: %w", ErrFunds, ms[i].Error)
			}
		}
		rs = rs[n:]
	}
	return nil
}

// funded waits until every account has what it was given.
func (t *Target) funded(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("not all of them were paid within a minute"))
	defer cancel()
	tick := time.NewTicker(fundPoll)
	defer tick.Stop()
	for {
		poor := 0
		err := t.each(ctx, "eth_getBalance", func(_ int, q quantity) error {
			v, err := q.big()
			if err == nil && new(big.Int).Lsh(v, 1).Cmp(reserve) < 0 {
				poor++
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFunds, err)
		}
		if poor == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %d accounts wait: %w", ErrFunds, poor, context.Cause(ctx))
		}
	}
}

// Settle waits until the first used transactions of the source are in blocks.
// One that was dropped or refused leaves a gap in its account's nonces, and
// all that follow would wait for it for ever: it is sent now. The time that
// ctx allows bounds it.
func (t *Target) Settle(ctx context.Context, used int) error {
	tick := time.NewTicker(fundPoll)
	defer tick.Stop()
	var before uint64
	idle := 0
	for {
		have, err := t.nonces(ctx)
		if err != nil {
			return err
		}
		missing, done := t.missing(have, used)
		if len(missing) == 0 {
			return nil
		}
		if done == before {
			idle++
		} else {
			idle, before = 0, done
		}
		if idle >= 4 { // 200 ms without progress: the pool waits for these
			idle = 0
			if err := t.resend(ctx, missing, used); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d accounts still have transactions that are in no block (the base fee may be above the %s wei that they offer): %w",
				len(missing), t.chain.MaxFee, context.Cause(ctx))
		}
	}
}

// missing returns for each account that is behind its next transaction's index,
// and how many transactions are in blocks in all.
func (t *Target) missing(have []uint64, used int) (next []int, done uint64) {
	n := len(t.keys)
	for a := range n {
		sent := uint64(0) // how many of the first used are this account's
		if used > a {
			sent = uint64((used-a-1)/n + 1)
		}
		got := have[a] - t.first[a]
		done += got
		if got < sent {
			next = append(next, a+int(got)*n)
		}
	}
	return next, done
}

// resend sends for each account what it misses first and what follows, of the
// first used transactions of the source. The pool refuses what it has already;
// that is as good.
func (t *Target) resend(ctx context.Context, next []int, used int) error {
	const run = 16 // transactions of one account at once
	var rs []jsonrpc.Request
	for _, i := range next {
		for k := range run {
			at := i + k*len(t.keys)
			if at >= used {
				break
			}
			txs, _ := t.src.Piece(at, 1, 0)
			jsonrpc.Each(txs, func(tx []byte, _ uint64) {
				rs = append(rs, jsonrpc.Request{Method: "eth_sendRawTransaction", Params: []any{rawParam(tx)}})
			})
		}
	}
	for len(rs) > 0 {
		n := min(len(rs), maxBatch)
		if _, err := t.ask.Batch(ctx, rs[:n]); err != nil {
			return err
		}
		rs = rs[n:]
	}
	return nil
}
