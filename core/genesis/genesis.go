// Package genesis defines the file that a chain starts from: its rules and its
// first accounts. The SHA-256 of its canonical encoding is the chain id, so two
// nodes with different rules or balances can never be on the same chain.
package genesis

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/hash"
)

// Schema is the value of the file's schema field.
const Schema = "weir.genesis/1"

// Limits of a genesis file.
const (
	MaxAccounts   = 1 << 24
	MaxBlockTxs   = 1 << 17
	MaxBlockBytes = 64 << 20
	maxNameBytes  = 64
)

// ErrInvalid is wrapped by every complaint about a genesis file's content.
var ErrInvalid = errors.New("invalid genesis")

// Genesis is the start of a chain.
type Genesis struct {
	Schema   string    `json:"schema"`
	Name     string    `json:"name"`
	TimeNS   uint64    `json:"time_unix_ns"`
	Rules    Rules     `json:"rules"`
	Accounts []Account `json:"accounts,omitempty"`
	Derived  *Derived  `json:"derived,omitempty"`
}

// Rules are the limits that every block of the chain keeps.
type Rules struct {
	MaxBlockTxs   uint32 `json:"max_block_txs"`
	MaxBlockBytes uint32 `json:"max_block_bytes"`
}

// Account is one account at height 0. Its slot is its place in the list.
type Account struct {
	PublicKey Key    `json:"public_key"`
	Balance   uint64 `json:"balance"`
}

// Derived describes accounts whose keys follow from a public seed. Anybody can
// compute their private keys: they are for measuring and testing only. Their
// slots come after those of Accounts.
type Derived struct {
	Seed    string `json:"seed"`
	Count   uint32 `json:"count"`
	Balance uint64 `json:"balance"`
}

// Key is an Ed25519 public key, in JSON 64 hex digits.
type Key [32]byte

// MarshalText encodes the key as hex.
func (k Key) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(k[:])), nil }

// UnmarshalText decodes 64 hex digits.
func (k *Key) UnmarshalText(b []byte) error {
	if len(b) != 64 {
		return fmt.Errorf("%w: public key %q has %d hex digits, want 64", ErrInvalid, b, len(b))
	}
	_, err := hex.Decode(k[:], b)
	if err != nil {
		return fmt.Errorf("%w: public key %q: %w", ErrInvalid, b, err)
	}
	return nil
}

// DefaultRules are the rules of a chain that names none.
func DefaultRules() Rules { return Rules{MaxBlockTxs: 20_000, MaxBlockBytes: 8 << 20} }

// Dev is the genesis of a measuring chain: n derived accounts with a balance
// that no run can spend. It is the same on every machine, so its chain id is too.
func Dev(n uint32) *Genesis {
	return &Genesis{
		Schema:  Schema,
		Name:    "weir-dev",
		TimeNS:  1_767_225_600_000_000_000, // 2026-01-01T00:00:00Z
		Rules:   DefaultRules(),
		Derived: &Derived{Seed: "weir-dev", Count: n, Balance: 1 << 40},
	}
}

// Parse reads and validates a genesis file. Unknown fields are errors: a rule
// that one node knows and another ignores would split the chain. So are fields
// given twice, of which two programs may read different ones.
func Parse(b []byte) (*Genesis, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := checkKeys(b); err != nil {
		return nil, err
	}
	var g Genesis
	if err := dec.Decode(&g); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: bytes after the closing brace", ErrInvalid)
	}
	if err := g.Validate(); err != nil {
		return nil, err
	}
	return &g, nil
}

// Validate checks every limit and names the value that breaks one.
func (g *Genesis) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
	}
	switch {
	case g.Schema != Schema:
		return bad("schema is %q, want %q", g.Schema, Schema)
	case g.Name == "" || len(g.Name) > maxNameBytes:
		return bad("name has %d bytes, want 1 to %d", len(g.Name), maxNameBytes)
	case !utf8.ValidString(g.Name):
		return bad("name %q is not UTF-8", g.Name)
	case g.TimeNS > math.MaxInt64:
		return bad("time_unix_ns is %d, want at most %d", g.TimeNS, int64(math.MaxInt64))
	case g.Rules.MaxBlockTxs == 0 || g.Rules.MaxBlockTxs > MaxBlockTxs:
		return bad("rules.max_block_txs is %d, want 1 to %d", g.Rules.MaxBlockTxs, MaxBlockTxs)
	case g.Rules.MaxBlockBytes < tx.Size || g.Rules.MaxBlockBytes > MaxBlockBytes:
		return bad("rules.max_block_bytes is %d, want %d to %d", g.Rules.MaxBlockBytes, tx.Size, MaxBlockBytes)
	}
	if g.Derived != nil && (g.Derived.Count == 0 || len(g.Derived.Seed) > maxNameBytes) {
		return bad("derived has the count %d and a seed of %d bytes, want 1 or more and at most %d",
			g.Derived.Count, len(g.Derived.Seed), maxNameBytes)
	}
	if g.Derived != nil && !utf8.ValidString(g.Derived.Seed) {
		return bad("derived.seed %q is not UTF-8", g.Derived.Seed)
	}
	if n := g.NumAccounts(); n == 0 || n > MaxAccounts {
		return bad("%d accounts, want 1 to %d", n, MaxAccounts)
	}
	var total uint64
	for i, a := range g.Accounts {
		if a.Balance > math.MaxUint64-total {
			return bad("the balances up to account %d exceed 2^64-1", i)
		}
		total += a.Balance
	}
	if d := g.Derived; d != nil && d.Balance > (math.MaxUint64-total)/uint64(d.Count) {
		return bad("%d derived balances of %d exceed 2^64-1 in total", d.Count, d.Balance)
	}
	if d := g.Derived; d != nil && len(g.Accounts) > 0 {
		if i := g.derivedAmong(); i >= 0 {
			return bad("account %d has the public key of a derived account", i)
		}
	}
	seen := make(map[Key]int, len(g.Accounts))
	for i, a := range g.Accounts {
		if j, dup := seen[a.PublicKey]; dup {
			return bad("accounts %d and %d have the same public key", j, i)
		}
		seen[a.PublicKey] = i
	}
	return nil
}

// NumAccounts is the number of slots at height 0.
func (g *Genesis) NumAccounts() int {
	n := len(g.Accounts)
	if g.Derived != nil {
		n += int(g.Derived.Count)
	}
	return n
}

// ChainID is the SHA-256 of the genesis's canonical encoding: every field in
// the order of the struct, little-endian, strings and lists with their length.
func (g *Genesis) ChainID() tx.ChainID {
	b := []byte("weirgn1")
	str := func(s string) {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	str(g.Name)
	b = binary.LittleEndian.AppendUint64(b, g.TimeNS)
	b = binary.LittleEndian.AppendUint32(b, g.Rules.MaxBlockTxs)
	b = binary.LittleEndian.AppendUint32(b, g.Rules.MaxBlockBytes)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(g.Accounts)))
	for i := range g.Accounts {
		b = append(b, g.Accounts[i].PublicKey[:]...)
		b = binary.LittleEndian.AppendUint64(b, g.Accounts[i].Balance)
	}
	var d Derived
	if g.Derived != nil {
		d = *g.Derived
	}
	str(d.Seed)
	b = binary.LittleEndian.AppendUint32(b, d.Count)
	b = binary.LittleEndian.AppendUint64(b, d.Balance)
	return tx.ChainID(hash.SHA256(b))
}

// JSON is the file form.
func (g *Genesis) JSON() []byte {
	b, err := json.MarshalIndent(g, "", "  ")
	if err != nil { // no field of Genesis can fail to marshal
		panic(err)
	}
	return append(b, '\n')
}
