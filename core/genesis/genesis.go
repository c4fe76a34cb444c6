// Package genesis defines the file that a chain starts from: its rules and its
// first accounts. The SHA-256 of its canonical encoding is the chain id, so two
// nodes with different rules or balances can never be on the same chain.
package genesis

import (
	"bytes"
	_ "embed" // the schema
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/hash"
)

// Schema is the value of the file's schema field.
const Schema = "weir.genesis/1"

// JSONSchema is the JSON Schema (draft 2020-12) of the file. Parse knows more:
// sums of balances, keys that are given twice, an administrator who is missing.
//
//go:embed genesis.schema.json
var JSONSchema []byte

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
	// Registration says who may open accounts: RegistrationOpen, which is also
	// what an empty string means, or RegistrationAdmin.
	Registration string `json:"registration,omitempty"`
}

// The values of Rules.Registration.
const (
	RegistrationOpen  = "open"  // whoever may send transactions
	RegistrationAdmin = "admin" // administrators only
)

// AdminRegistration tells whether only administrators open accounts.
func (r *Rules) AdminRegistration() bool { return r.Registration == RegistrationAdmin }

// Account is one account at height 0. Its slot is its place in the list.
type Account struct {
	PublicKey Key    `json:"public_key"`
	Balance   uint64 `json:"balance"`
	// Role is the name of a tx.Role: member, which is also what an empty string
	// means, admin or observer. Roles change by transactions from then on.
	Role string `json:"role,omitempty"`
	// Validator says that the key signs for the ordering engine. The engine of a
	// single node needs no validators; others say how many they need.
	Validator bool `json:"validator,omitempty"`
}

// Membership is the account's standing at height 0. A role that Validate
// refuses counts as removed.
func (a *Account) Membership() tx.Membership {
	m := tx.Membership{Validator: a.Validator}
	if a.Role != "" {
		var ok bool
		if m.Role, ok = tx.ParseRole(a.Role); !ok {
			m.Role = tx.RoleRemoved
		}
	}
	return m
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
// What says that everybody is a member and may register is not encoded, so that
// the id of a chain from before there were roles is what it was.
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
	b = g.appendMembers(b)
	return tx.ChainID(hash.SHA256(b))
}

// appendMembers encodes the rule of registration and the memberships: nothing
// if all are the default, else
//
//	"members" | registration u8 (1: administrators only) | count u32 |
//	count × (slot u32, tx.Membership.Amount u64) of accounts with another than
//	the default membership, in the order of their slots
func (g *Genesis) appendMembers(b []byte) []byte {
	var (
		list  []byte
		count uint32
	)
	for i := range g.Accounts {
		if m := g.Accounts[i].Membership(); m != (tx.Membership{}) {
			list = binary.LittleEndian.AppendUint32(list, uint32(i))
			list = binary.LittleEndian.AppendUint64(list, m.Amount())
			count++
		}
	}
	if count == 0 && !g.Rules.AdminRegistration() {
		return b
	}
	b = append(b, "members"...)
	if g.Rules.AdminRegistration() {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.LittleEndian.AppendUint32(b, count)
	return append(b, list...)
}

// JSON is the file form.
func (g *Genesis) JSON() []byte {
	b, err := json.MarshalIndent(g, "", "  ")
	if err != nil { // no field of Genesis can fail to marshal
		panic(err)
	}
	return append(b, '\n')
}
