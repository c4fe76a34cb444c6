package workload

import (
	"encoding/json"

	"github.com/chainweir/weir/core/genesis"
)

// Schema is the value of a file's schema field.
const Schema = "weir.workload/1"

// Workload is what users do. Parse fills in what was left out.
type Workload struct {
	Name     string   `json:"name"`
	Accounts Accounts `json:"accounts"`
	Mix      []Part   `json:"mix"`
	// AccountsGiven says that the file names the number of accounts: a chain
	// with fewer will not do.
	AccountsGiven bool `json:"-"`
}

// Accounts are those that send and receive.
type Accounts struct {
	Count   uint32 `json:"count"`
	Balance uint64 `json:"balance"` // of each, in genesis
}

// Part is one activity and its share. Exactly one pointer is set.
type Part struct {
	Weight     uint32      `json:"weight"`
	Transfer   *Transfer   `json:"transfer,omitempty"`
	Collection *Collection `json:"collection,omitempty"`
	KV         *KV         `json:"kv,omitempty"`
}

// Transfer is payments between accounts.
type Transfer struct {
	From   Pick    `json:"from"`
	To     Pick    `json:"to"`
	Hot    *Hot    `json:"hot,omitempty"`
	Amount Numbers `json:"amount"`
}

// Hot makes a share of the transfers touch one of the first accounts by rank.
type Hot struct {
	Accounts uint32  `json:"accounts"`
	Share    float64 `json:"share"`
	Side     string  `json:"side"` // to, from or both
}

// Collection is items of digital collections. The collections and the items
// that change hands are made in the set-up: the slot of an item that is minted
// during a run is known only when the node has ordered it, too late for a
// transaction that is signed ahead.
type Collection struct {
	Collections   uint32  `json:"collections"`
	Items         uint32  `json:"items"`
	Burnable      uint32  `json:"burnable"`
	Mint          uint32  `json:"mint"` // weights
	Transfer      uint32  `json:"transfer"`
	Burn          uint32  `json:"burn"`
	To            Pick    `json:"to"`
	MetadataBytes Numbers `json:"metadata_bytes"`
}

// KV is values stored under keys, of which every sender has its own.
type KV struct {
	From       Pick    `json:"from"`
	Keys       uint32  `json:"keys"`
	Key        Pick    `json:"key"`
	ValueBytes Numbers `json:"value_bytes"`
}

// Names of distributions.
const (
	Uniform    = "uniform"
	RoundRobin = "round_robin"
	Zipf       = "zipf"
	Constant   = "constant"
	LogNormal  = "lognormal"
	List       = "list"
)

// Pick says how one of several is chosen.
type Pick struct {
	Dist     string  `json:"dist"` // Uniform, RoundRobin or Zipf
	Exponent float64 `json:"exponent,omitempty"`
}

// Numbers is a distribution of whole numbers. In a file a plain number stands
// for Constant.
type Numbers struct {
	Dist   string     `json:"dist"` // Constant, Uniform, LogNormal or List
	Value  uint64     `json:"value,omitempty"`
	Min    uint64     `json:"min,omitempty"`
	Max    uint64     `json:"max,omitempty"` // inclusive
	Median float64    `json:"median,omitempty"`
	Sigma  float64    `json:"sigma,omitempty"`
	Values []Weighted `json:"values,omitempty"`
}

// Weighted is one value of a List.
type Weighted struct {
	Value  uint64 `json:"value"`
	Weight uint32 `json:"weight"`
}

// UnmarshalJSON accepts a number as well as a distribution.
func (n *Numbers) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '{' {
		*n = Numbers{Dist: Constant}
		return json.Unmarshal(b, &n.Value)
	}
	type plain Numbers
	*n = Numbers{}
	return json.Unmarshal(b, (*plain)(n))
}

// UnmarshalJSON gives the weight its default.
func (w *Weighted) UnmarshalJSON(b []byte) error {
	type plain Weighted
	w.Weight = 1
	return json.Unmarshal(b, (*plain)(w))
}

// UnmarshalJSON gives the fields their defaults.
func (h *Hot) UnmarshalJSON(b []byte) error {
	type plain Hot
	h.Side = "to"
	return json.Unmarshal(b, (*plain)(h))
}

// UnmarshalJSON gives the fields their defaults. An activity without settings
// may be null: "- transfer:" is a transfer by default.
func (p *Part) UnmarshalJSON(b []byte) error {
	var raw struct {
		Weight                   *uint32
		Transfer, Collection, KV json.RawMessage
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*p = Part{Weight: 1}
	if raw.Weight != nil {
		p.Weight = *raw.Weight
	}
	switch {
	case raw.Transfer != nil:
		p.Transfer = &Transfer{From: Pick{Dist: RoundRobin}, To: Pick{Dist: Uniform}, Amount: Numbers{Dist: Uniform, Min: 1, Max: 100}}
		return json.Unmarshal(raw.Transfer, p.Transfer)
	case raw.Collection != nil:
		p.Collection = &Collection{
			Collections: 1024, Items: 16384, Mint: 20, Transfer: 80, To: Pick{Dist: Uniform},
			MetadataBytes: Numbers{Dist: Constant, Value: 128},
		}
		return json.Unmarshal(raw.Collection, p.Collection)
	case raw.KV != nil:
		p.KV = &KV{From: Pick{Dist: RoundRobin}, Keys: 1000, Key: Pick{Dist: Uniform}, ValueBytes: Numbers{Dist: Constant, Value: 100}}
		return json.Unmarshal(raw.KV, p.KV)
	}
	return nil
}

// Defaults of Accounts: as many as keep the replay windows apart, with what no
// run can spend.
const (
	DefaultAccounts = 4096
	DefaultBalance  = 1 << 40
)

// Genesis is that of a measuring chain with the workload's accounts. With the
// default balance it is genesis.Dev.
func (w *Workload) Genesis() *genesis.Genesis {
	g := genesis.Dev(w.Accounts.Count)
	g.Derived.Balance = w.Accounts.Balance
	return g
}
