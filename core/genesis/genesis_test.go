package genesis_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/genesis"
)

// Computed outside Go from the layout in the comment of ChainID; the public
// key with the Python sample code of RFC 8032 section 6.
const (
	dev4096Chain = "3eef953a730677dea69848ff5617e528a509e88222465229c3f068d7eae1d05f"
	twoChain     = "c20c7e25a19f0210d6685000cf3fb07280e63cf9577843b8fc1cc662b728aaab"
	membersChain = "8152546626a51f1c4224237bd97bbfa4520b01f39d44d2b7fa6ae06c416766f8"
	devKey7      = "64e92542cea14ff29b9e1cdf5882e37d19db6f1b4f1a2265a87c249aa677c4ec"
)

func two() *genesis.Genesis {
	fill := func(b byte) (k genesis.Key) {
		for i := range k {
			k[i] = b
		}
		return k
	}
	return &genesis.Genesis{
		Schema: genesis.Schema, Name: "two", TimeNS: 5,
		Rules:    genesis.Rules{MaxBlockTxs: 6, MaxBlockBytes: 700},
		Accounts: []genesis.Account{{PublicKey: fill(1), Balance: 10}, {PublicKey: fill(2), Balance: 20}},
	}
}

// members is two with an administrator, who alone registers accounts, and an
// observer that validates.
func members() *genesis.Genesis {
	g := two()
	g.Rules.Registration = genesis.RegistrationAdmin
	g.Accounts[0].Role = "admin"
	g.Accounts[1].Role, g.Accounts[1].Validator = "observer", true
	return g
}

func TestGoldenChainIDs(t *testing.T) {
	for want, g := range map[string]*genesis.Genesis{
		dev4096Chain: genesis.Dev(4096), twoChain: two(), membersChain: members(),
	} {
		if id := g.ChainID(); hex.EncodeToString(id[:]) != want {
			t.Errorf("%s: chain id %x, want %s", g.Name, id, want)
		}
		if err := g.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestDerivedAccounts(t *testing.T) {
	g := genesis.Dev(9)
	g.Accounts = two().Accounts
	all := g.AllAccounts()
	if len(all) != 11 || g.NumAccounts() != 11 || g.FirstDerivedSlot() != 2 {
		t.Fatalf("%d accounts, NumAccounts %d, first derived %d", len(all), g.NumAccounts(), g.FirstDerivedSlot())
	}
	if !reflect.DeepEqual(all[:2], g.Accounts) {
		t.Errorf("the named accounts come as %v", all[:2])
	}
	if got := hex.EncodeToString(all[2+7].PublicKey[:]); got != devKey7 {
		t.Errorf("derived key 7 is %s, want %s", got, devKey7)
	}
	for i, k := range g.Derived.PrivateKeys(9) {
		if !k.Equal(g.Derived.PrivateKey(uint32(i))) {
			t.Errorf("PrivateKeys and PrivateKey differ at %d", i)
		}
		if a := all[2+i]; genesis.Key(k.Public().(ed25519.PublicKey)) != a.PublicKey || a.Balance != 1<<40 {
			t.Errorf("account %d: %+v", i, a)
		}
	}
}

// Every field is part of the chain id, and so is the border between a list and
// what follows it.
func TestChainIDCoversEveryField(t *testing.T) {
	full := func() *genesis.Genesis {
		g := two()
		g.Derived = &genesis.Derived{Seed: "s", Count: 3, Balance: 4}
		return g
	}
	changes := map[string]func(g *genesis.Genesis){
		"nothing":         func(*genesis.Genesis) {},
		"name":            func(g *genesis.Genesis) { g.Name = "twp" },
		"name length":     func(g *genesis.Genesis) { g.Name = "two\x00" },
		"time":            func(g *genesis.Genesis) { g.TimeNS++ },
		"max_block_txs":   func(g *genesis.Genesis) { g.Rules.MaxBlockTxs++ },
		"max_block_bytes": func(g *genesis.Genesis) { g.Rules.MaxBlockBytes++ },
		"key":             func(g *genesis.Genesis) { g.Accounts[1].PublicKey[31]++ },
		"balance":         func(g *genesis.Genesis) { g.Accounts[0].Balance++ },
		"account order": func(g *genesis.Genesis) {
			g.Accounts[0], g.Accounts[1] = g.Accounts[1], g.Accounts[0]
		},
		"account gone":    func(g *genesis.Genesis) { g.Accounts = g.Accounts[:1] },
		"no derived":      func(g *genesis.Genesis) { g.Derived = nil },
		"derived seed":    func(g *genesis.Genesis) { g.Derived.Seed = "t" },
		"derived count":   func(g *genesis.Genesis) { g.Derived.Count++ },
		"derived balance": func(g *genesis.Genesis) { g.Derived.Balance++ },
		"registration": func(g *genesis.Genesis) {
			g.Rules.Registration, g.Accounts[0].Role = genesis.RegistrationAdmin, "admin"
		},
		"admin":         func(g *genesis.Genesis) { g.Accounts[0].Role = "admin" },
		"another admin": func(g *genesis.Genesis) { g.Accounts[1].Role = "admin" },
		"observer":      func(g *genesis.Genesis) { g.Accounts[0].Role = "observer" },
		"validator":     func(g *genesis.Genesis) { g.Accounts[0].Validator = true },
	}
	seen := map[string]string{}
	for name, change := range changes {
		g := full()
		change(g)
		id := g.ChainID()
		if other, dup := seen[string(id[:])]; dup {
			t.Errorf("%q and %q give the same chain id", name, other)
		}
		seen[string(id[:])] = name
	}
	// A field that is added later must be added to the chain id and to this test.
	for _, v := range []struct {
		of   any
		want int
	}{{genesis.Genesis{}, 6}, {genesis.Rules{}, 3}, {genesis.Account{}, 4}, {genesis.Derived{}, 3}} {
		if n := reflect.TypeOf(v.of).NumField(); n != v.want {
			t.Errorf("%T has %d fields, this test knows %d", v.of, n, v.want)
		}
	}
}

func drawGenesis(t *rapid.T) *genesis.Genesis {
	g := &genesis.Genesis{
		Schema: genesis.Schema,
		Name:   rapid.StringOfN(rapid.Rune(), 1, 64, 64).Filter(func(s string) bool { return s != "" }).Draw(t, "name"),
		TimeNS: rapid.Uint64Range(0, math.MaxInt64).Draw(t, "time"),
		Rules: genesis.Rules{
			MaxBlockTxs:   rapid.Uint32Range(1, genesis.MaxBlockTxs).Draw(t, "txs"),
			MaxBlockBytes: rapid.Uint32Range(200, genesis.MaxBlockBytes).Draw(t, "bytes"),
		},
	}
	admins := false
	keys := rapid.SliceOfNDistinct(rapid.Uint32(), 0, 5, rapid.ID).Draw(t, "keys")
	for _, k := range keys {
		a := genesis.Account{Balance: rapid.Uint64Range(0, math.MaxUint64/8).Draw(t, "balance")}
		copy(a.PublicKey[:], fmt.Sprint(k))
		a.Role = rapid.SampledFrom([]string{"", "member", "admin", "observer"}).Draw(t, "role")
		a.Validator = rapid.Bool().Draw(t, "validator")
		admins = admins || a.Role == "admin"
		g.Accounts = append(g.Accounts, a)
	}
	if len(keys) == 0 || rapid.Bool().Draw(t, "derived") {
		g.Derived = &genesis.Derived{
			Seed:    rapid.StringOfN(rapid.Rune(), 0, 64, 64).Draw(t, "seed"),
			Count:   rapid.Uint32Range(1, 1000).Draw(t, "count"),
			Balance: rapid.Uint64Range(0, 1<<50).Draw(t, "derived balance"),
		}
	}
	g.Rules.Registration = rapid.SampledFrom([]string{"", "open", "admin"}).Draw(t, "registration")
	if !admins && g.Rules.AdminRegistration() {
		g.Rules.Registration = ""
	}
	return g
}

// What a valid genesis writes is read back as the same chain.
func TestJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGenesis(t)
		if err := g.Validate(); err != nil {
			t.Fatalf("%+v: %v", g, err)
		}
		back, err := genesis.Parse(g.JSON())
		if err != nil {
			t.Fatalf("%s: %v", g.JSON(), err)
		}
		if !reflect.DeepEqual(back, g) || back.ChainID() != g.ChainID() {
			t.Fatalf("%+v came back as %+v", g, back)
		}
	})
}

const minimal = `{"schema":"weir.genesis/1","name":"n","time_unix_ns":1,` +
	`"rules":{"max_block_txs":10,"max_block_bytes":2000},"derived":{"seed":"s","count":4,"balance":5}}`

func TestParseRefuses(t *testing.T) {
	if _, err := genesis.Parse([]byte(minimal)); err != nil {
		t.Fatal(err)
	}
	key := func(b string) string { return `{"public_key":"` + strings.Repeat(b, 32) + `","balance":9}` }
	member := func(role string) string {
		return strings.Replace(key("01"), "{", `{"role":"`+role+`",`, 1)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"empty", minimal, "", "EOF"},
		{"not an object", minimal, "[]", "array"},
		{"cut short", minimal, minimal[:50], "unexpected EOF"},
		{"trailing object", minimal, minimal + "{}", "after the closing brace"},
		{"trailing garbage", minimal, minimal + "x", "after the closing brace"},
		{"unknown field", `"name":"n"`, `"name":"n","colour":1`, "colour"},
		{"unknown rule", `"max_block_txs":10`, `"max_block_txs":10,"max_gas":1`, "max_gas"},
		{"field twice", `"name":"n"`, `"name":"n","name":"m"`, `"name" is given twice`},
		{"field twice, other case", `"name":"n"`, `"name":"n","NAME":"m"`, `"NAME" is given twice`},
		{"rule twice", `"max_block_txs":10`, `"max_block_txs":10,"max_block_txs":10`, `"max_block_txs" is given twice`},
		{"time over 64 bits", `"time_unix_ns":1`, `"time_unix_ns":18446744073709551616`, "18446744073709551616"},
		{"time no block can follow", `"time_unix_ns":1`, `"time_unix_ns":9223372036854775808`, "9223372036854775808"},
		{"negative time", `"time_unix_ns":1`, `"time_unix_ns":-1`, "-1"},
		{"other schema", "weir.genesis/1", "weir.genesis/2", "weir.genesis/2"},
		{"no name", `"name":"n"`, `"name":""`, "name has 0 bytes"},
		{"long name", `"name":"n"`, `"name":"` + strings.Repeat("n", 65) + `"`, "name has 65 bytes"},
		{"no transactions", `"max_block_txs":10`, `"max_block_txs":0`, "max_block_txs is 0"},
		{"too many transactions", `"max_block_txs":10`, `"max_block_txs":131073`, "131073"},
		{"too few bytes", `"max_block_bytes":2000`, `"max_block_bytes":199`, "199"},
		{"too many bytes", `"max_block_bytes":2000`, `"max_block_bytes":67108865`, "67108865"},
		{"bytes over 32 bits", `"max_block_bytes":2000`, `"max_block_bytes":4294967296`, "4294967296"},
		{"no accounts", `,"derived":{"seed":"s","count":4,"balance":5}`, ``, "0 accounts"},
		{"derived none", `"count":4`, `"count":0`, "count 0"},
		{"derived too many", `"count":4`, `"count":16777217`, "16777217 accounts"},
		{"derived overflow", `"balance":5`, `"balance":4611686018427387904`, "4611686018427387904"},
		{"long seed", `"seed":"s"`, `"seed":"` + strings.Repeat("s", 65) + `"`, "seed of 65 bytes"},
		{"short key", `"derived"`, `"accounts":[{"public_key":"00","balance":1}],"derived"`, `"00" has 2 hex digits`},
		{"key not hex", `"derived"`, `"accounts":[` + key("zz") + `],"derived"`, "zz"},
		{"no such rule of registration", `"max_block_txs":10`, `"max_block_txs":10,"registration":"none"`, `"none"`},
		{"nobody to register", `"max_block_txs":10`, `"max_block_txs":10,"registration":"admin"`, `no account has the role "admin"`},
		{"no such role", `"derived"`, `"accounts":[` + member("king") + `],"derived"`, `"king"`},
		{"role in capitals", `"derived"`, `"accounts":[` + member("Admin") + `],"derived"`, `"Admin"`},
		{"removed from the start", `"derived"`, `"accounts":[` + member("removed") + `],"derived"`, `"removed"`},
		{"key twice", `"derived"`, `"accounts":[` + key("01") + "," + key("02") + "," + key("01") + `],"derived"`, "accounts 0 and 2"},
	} {
		text := strings.Replace(minimal, c.from, c.to, 1)
		if text == minimal {
			t.Errorf("%s: the sample was not changed", c.name)
		}
		_, err := genesis.Parse([]byte(text))
		if !errors.Is(err, genesis.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// A name that JSON cannot carry would give the file another chain id than the
// genesis it was written from.
func TestValidateRefusesWhatJSONChanges(t *testing.T) {
	g := two()
	g.Name = "a\xff"
	if err := g.Validate(); !errors.Is(err, genesis.ErrInvalid) || !strings.Contains(err.Error(), `a\xff`) {
		t.Error(err)
	}
	g = genesis.Dev(3)
	g.Derived.Seed = "\xc0"
	if err := g.Validate(); !errors.Is(err, genesis.ErrInvalid) || !strings.Contains(err.Error(), `\xc0`) {
		t.Error(err)
	}
	g = two()
	g.Accounts[1].Balance = math.MaxUint64 - 9
	if err := g.Validate(); !errors.Is(err, genesis.ErrInvalid) || !strings.Contains(err.Error(), "account 1") {
		t.Error(err)
	}
	g.Accounts[1].Balance--
	if err := g.Validate(); err != nil {
		t.Errorf("a total of exactly 2^64-1: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add(genesis.Dev(5).JSON())
	f.Add(two().JSON())
	f.Add(members().JSON())
	f.Add([]byte(`{"accounts":[{"public_key":""}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := genesis.Parse(b)
		if err != nil {
			if !errors.Is(err, genesis.ErrInvalid) {
				t.Fatalf("%v does not wrap ErrInvalid", err)
			}
			return
		}
		back, err := genesis.Parse(g.JSON())
		if err != nil || back.ChainID() != g.ChainID() {
			t.Fatalf("%s was accepted, but what it writes is not the same chain: %v", b, err)
		}
	})
}
