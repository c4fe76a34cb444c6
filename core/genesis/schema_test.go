package genesis_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(genesis.JSONSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("genesis.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	sch, err := c.Compile("genesis.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return sch
}

func schemaSays(sch *jsonschema.Schema, b []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return err
	}
	return sch.Validate(doc)
}

// What the program writes is what the schema describes.
func TestSchemaAllowsEveryGenesis(t *testing.T) {
	sch := compileSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		g := drawGenesis(t)
		if err := schemaSays(sch, g.JSON()); err != nil {
			t.Fatalf("%s: %v", g.JSON(), err)
		}
	})
}

// What the schema refuses is refused by Parse as well, and the limits in it are
// those in the code.
func TestSchemaRefuses(t *testing.T) {
	sch := compileSchema(t)
	text := string(members().JSON())
	if err := schemaSays(sch, []byte(text)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to string }{
		{"weir.genesis/1", "weir.genesis/2"},
		{`"name": "two"`, `"name": ""`},
		{`"name": "two"`, `"name": "` + strings.Repeat("n", 65) + `"`},
		{`"time_unix_ns": 5`, `"time_unix_ns": 9223372036854775808`},
		{`"time_unix_ns": 5`, `"time_unix_ns": -1`},
		{`"max_block_txs": 6`, `"max_block_txs": 0`},
		{`"max_block_txs": 6`, `"max_block_txs": 131073`},
		{`"max_block_bytes": 700`, `"max_block_bytes": 199`},
		{`"max_block_bytes": 700`, `"max_block_bytes": 67108865`},
		{`"registration": "admin"`, `"registration": "closed"`},
		{`"registration": "admin"`, `"registration": "admin", "fee": 1`},
		{`"role": "admin"`, `"role": "removed"`},
		{`"role": "admin"`, `"role": "chief"`},
		{`"validator": true`, `"validator": 1`},
		{`"balance": 10`, `"balance": 18446744073709551616`},
		{`"balance": 10`, `"balance": "10"`},
		{strings.Repeat("01", 32), strings.Repeat("0x", 32)},
		{strings.Repeat("01", 32), strings.Repeat("01", 31)},
		{`"schema"`, `"colour": 1, "schema"`},
		{`"accounts"`, `"derived": {"seed": "", "count": 0, "balance": 0}, "accounts"`},
	} {
		bad := strings.Replace(text, c.from, c.to, 1)
		if bad == text {
			t.Errorf("%s does not occur", c.from)
			continue
		}
		if schemaSays(sch, []byte(bad)) == nil {
			t.Errorf("the schema allows %s", c.to)
		}
		if _, err := genesis.Parse([]byte(bad)); err == nil {
			t.Errorf("Parse allows %s", c.to)
		}
	}
}

// The names of what is the default may be left out: the chain is the same.
func TestDefaultMembershipNeedsNoName(t *testing.T) {
	g := two()
	id := g.ChainID()
	g.Rules.Registration = genesis.RegistrationOpen
	g.Accounts[1].Role = "member"
	if g.ChainID() != id {
		t.Error("naming the defaults made it another chain")
	}
	m := members()
	if got := m.Accounts[0].Membership(); got != (tx.Membership{Role: tx.RoleAdmin}) {
		t.Errorf("%+v", got)
	}
	if got := m.Accounts[1].Membership(); got != (tx.Membership{Role: tx.RoleObserver, Validator: true}) {
		t.Errorf("%+v", got)
	}
	if got := (&genesis.Account{Role: "king"}).Membership(); got.Role.Sends() {
		t.Errorf("a role that does not exist sends: %+v", got)
	}
}
