package workload

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const good = `# a shop
schema: weir.workload/1
name: shop
accounts: {count: 500}
mix:
  - weight: 7
    transfer:
      to: &popular {dist: zipf, exponent: 1.1}
      hot: {accounts: 4, share: 0.25}
      amount: {dist: list, values: [{value: 5, weight: 3}, {value: 100}]}
  - weight: 2
    collection:
      burnable: 10
      burn: 1
      to: *popular
  - kv:
      value_bytes: 0x40
`

func TestParse(t *testing.T) {
	w, err := Parse("dir/My Shop!.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != "shop" || w.Accounts != (Accounts{500, DefaultBalance}) || !w.AccountsGiven || len(w.Mix) != 3 {
		t.Fatalf("%+v", w)
	}
	tr, c, kv := w.Mix[0].Transfer, w.Mix[1].Collection, w.Mix[2].KV
	if tr.From.Dist != RoundRobin || tr.To != (Pick{Zipf, 1.1}) || tr.Hot.Side != "to" || tr.Amount.Values[1] != (Weighted{100, 1}) {
		t.Errorf("%+v %+v", tr, tr.Hot)
	}
	if c.Mint != 20 || c.Burn != 1 || c.Items != 16384 || c.To != tr.To || w.Mix[1].Weight != 2 {
		t.Errorf("%+v", c)
	}
	if kv.ValueBytes.Dist != Constant || kv.ValueBytes.Value != 64 || w.Mix[2].Weight != 1 {
		t.Errorf("%+v", kv)
	}
	w, err = Parse("dir/My Shop!.yaml", []byte("mix:\n- transfer:\n"))
	if err != nil || w.Name != "my_shop_" || w.AccountsGiven || w.Mix[0].Transfer.Amount.Max != 100 {
		t.Errorf("%+v, %v", w, err)
	}
}

// Every error says where, what and what to do.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "f:1:1: the file is empty; write a list"},
		{"mix: [", "f:1:6: not YAML"},
		{"mix:\n- transfer:\n---\nmix:\n- kv:\n", "f:4:1: a second document; put one"},
		{"mix:\n- transfer:\n  weight: 1\n  weight: 2\n", "weight"},
		{"mix:\n- transfer:\n    amuont: 3\n", `f:3:5: mix.0.transfer: unknown key: "amuont"; known are amount, from, hot, to`},
		{"Mix:\n- kv:\n", `f:1:1: unknown key: "Mix"; known are accounts, mix, name, schema`},
		{"name: x\n", "f:1:1: a setting is missing; add mix"},
		{"mix: {}\n", `f:1:6: mix: has the wrong type: {}; it must be array`},
		{"mix: []\n", "f:1:6: mix: has too few entries: []; add at least one"},
		{"schema: weir.workload/2\nmix:\n- kv:\n", `f:1:9: schema: is not what this version reads: "weir.workload/2"; write weir.workload/1`},
		{"name: A\nmix:\n- kv:\n", `f:1:7: name: does not have the right form: "A"; use up to`},
		{"accounts: {count: 1}\nmix:\n- kv:\n", "f:1:19: accounts.count: is too small: 1; give 2 or more"},
		{"accounts: {count: 1e6}\nmix:\n- kv:\n", "accounts.count: is too large: 1000000; give 131072 or less"},
		{"mix:\n- weight: 0\n  kv:\n", "f:2:11: mix.0.weight: is too small: 0; give 1 or more"},
		{"mix:\n- weight: -1\n  kv:\n", "f:2:11: mix.0.weight: is too small: -1; give"},
		{"mix:\n- weight: 1.5\n  kv:\n", "f:2:11: mix.0.weight: has the wrong type: 1.5; it must be integer"},
		{"mix:\n- weight: yes\n  kv:\n", `f:2:11: mix.0.weight: has the wrong type: "yes"; it must be integer`},
		{"mix:\n- weight: .nan\n  kv:\n", "f:2:11: mix.0.weight: a value of a kind that workloads do not have"},
		{"mix:\n- weight: 3\n", "f:2:3: mix.0: needs exactly one activity"},
		{"mix:\n- transfer:\n  kv:\n", "f:2:3: mix.0: needs exactly one activity"},
		{"mix:\n- kv: {key: {dist: zipf}}\n", "mix.0.kv.key: zipf has no exponent"},
		{"mix:\n- kv: {key: {dist: uniform, exponent: 2}}\n", "f:2:39: mix.0.kv.key.exponent: goes with zipf only: 2; leave"},
		{"mix:\n- kv: {key: {dist: pareto}}\n", `f:2:20: mix.0.kv.key.dist: is not one of the choices: "pareto"; use uniform, round_robin, zipf`},
		{"mix:\n- kv: {key: {dist: zipf, exponent: 0}}\n", "f:2:36: mix.0.kv.key.exponent: is too small: 0; give more than 0"},
		{"mix:\n- kv: {key: {exponent: 2}}\n", "mix.0.kv.key: a setting is missing; add dist"},
		{"mix:\n- kv: {keys: 5000000}\n", "f:2:14: mix.0.kv.keys: is too large: 5000000; give 4194304 or less"},
		{"mix:\n- kv: {value_bytes: 5000}\n", "f:2:21: mix.0.kv.value_bytes: is too large: 5000; give 4096 or less"},
		{"mix:\n- kv: {value_bytes: {dist: uniform, min: 1, max: 5000}}\n", "f:2:50: mix.0.kv.value_bytes.max: is too large: 5000; give 4096 or less"},
		{"mix:\n- kv: {value_bytes: {dist: uniform, min: 9, max: 5}}\n", "mix.0.kv.value_bytes.min: is above max: 9; swap them"},
		{"mix:\n- kv: {value_bytes: {dist: uniform, max: 5}}\n", "mix.0.kv.value_bytes: uniform has no min"},
		{"mix:\n- kv: {value_bytes: {dist: constant, value: 5, max: 6}}\n", "f:2:53: mix.0.kv.value_bytes.max: does not go with constant: 6; that has value"},
		{"mix:\n- kv: {value_bytes: {dist: list, values: [{value: 4097}]}}\n", "mix.0.kv.value_bytes.values.0.value: is too large: 4097"},
		{"mix:\n- kv: {value_bytes: {dist: lognormal, median: 10000000, sigma: 0.1, min: 1, max: 9}}\n", "almost nothing of this lognormal"},
		{"mix:\n- transfer: {amount: {dist: lognormal, median: 10, sigma: 1, min: 1, max: 99999999}}\n", "too far above min for lognormal"},
		{"mix:\n- transfer: {amount: 2000000000000}\n", "f:2:22: mix.0.transfer.amount: is too large: 2000000000000; give 1099511627776 or less"},
		{"accounts: {count: 9}\nmix:\n- transfer: {hot: {accounts: 9, share: 1}}\n", "f:3:30: mix.0.transfer.hot.accounts: is not fewer than all accounts: 9"},
		{"mix:\n- transfer: {hot: {accounts: 1, share: 0.5, side: both}}\n", "too small for transfers between hot accounts: 1; give 2"},
		{"mix:\n- transfer: {hot: {accounts: 1, share: 1.5}}\n", "hot.share: is too large: 1.5; give 1 or less"},
		{"mix:\n- collection: {burn: 1}\n", "mix.0.collection.burnable: there is nothing to burn; give"},
		{"mix:\n- collection: {items: 0}\n", "f:2:23: mix.0.collection.items: is too small for transfers: 0"},
		{"mix:\n- collection: {mint: 0, transfer: 0}\n", "mint, transfer and burn are all 0"},
		{"mix:\n- kv: *nobody\n", "an alias without an anchor before it: *nobody"},
		{"mix:\n- &a [*a]\n", "an alias without an anchor"},
		{"mix:\n- {kv: !!int 3}\n", "a value of a kind that workloads do not have"},
		{strings.Repeat("#", maxFileBytes+1), "f:1:1: the file is too long: 262145 bytes"},
		{"mix: " + strings.Repeat("[", 50) + strings.Repeat("]", 50), "too large or too deep"},
	} {
		_, err := Parse("f", []byte(c.text))
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

// Numbers are those of YAML 1.2.
func TestNumbers(t *testing.T) {
	for text, want := range map[string]any{
		"10": json.Number("10"), "010": json.Number("10"), "0o10": json.Number("8"), "0xfF": json.Number("255"), "+3": json.Number("3"),
		"-3": json.Number("-3"), "1e3": json.Number("1000"), "2.": json.Number("2"), ".5": json.Number("0.5"), "-1.5E-1": json.Number("-0.15"),
		"1_000": "1_000", "'3'": "3", "1e999": "1e999", "99999999999999999999": "99999999999999999999", "-0": json.Number("0"),
		"yes": "yes", "true": true, "~": nil, "0b1": "0b1", "1:30": "1:30",
	} {
		doc, err := readYAML("f", []byte("a: "+text))
		if got := doc.lookup("/a"); err != nil || got != want {
			t.Errorf("%s: %#v, want %#v (%v)", text, got, want, err)
		}
	}
}

// Aliases of aliases do not grow without bound.
func TestParseBomb(t *testing.T) {
	text := "mix:\n- kv: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
	for _, k := range []string{"0 1", "1 2", "2 3", "3 4", "4 5", "5 6", "6 7"} {
		text += "- kv: &a" + k[2:] + " [" + strings.Repeat("*a"+k[:1]+",", 10) + "]\n"
	}
	if _, err := Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), "too large or too deep") {
		t.Error(err)
	}
}

// All problems are told at once, in the order of the text.
func TestParseTellsAll(t *testing.T) {
	_, err := Parse("f", []byte("name: Q\nmix:\n- kv: {keys: 0, x: 1}\n- weight: a\n  kv:\n"))
	if err == nil || strings.Count(err.Error(), "\n") != 3 || !strings.HasPrefix(err.Error(), "f:1:7:") {
		t.Error(err)
	}
}

func TestLoad(t *testing.T) {
	for _, name := range Builtins() {
		if w, text, err := Load(name); err != nil || w.Name != name || len(text) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(path, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	if w, _, err := Load(path); err != nil || w.Name != "shop" {
		t.Error(err)
	}
	if _, _, err := Load("no-such"); !errors.Is(err, ErrInvalid) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "collection") {
		t.Error(err)
	}
}

// What is parsed can be opened and drawn from; nothing panics or hangs.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	for _, name := range Builtins() {
		_, text, err := Load(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("mix:\n- &a {kv: }\n- *a\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := Parse("f", text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || len(e.Problems) == 0 || e.Problems[0].Line < 1 || e.Problems[0].Column < 1 {
				t.Fatalf("%v", err)
			}
			return
		}
		if again, err := Parse("f", text); err != nil || again.Name != w.Name {
			t.Fatal(err)
		}
		for i := range w.Mix { // big ones take long, not wrong
			if c := w.Mix[i].Collection; c != nil {
				c.Collections, c.Items, c.Burnable = min(c.Collections, 50), min(c.Items, 50), min(c.Burnable, 50)
			}
			if kv := w.Mix[i].KV; kv != nil {
				kv.Keys = min(kv.Keys, 50)
			}
		}
		g, err := newGenerator(w, &Chain{Keys: fuzzKeys[:min(len(fuzzKeys), int(w.Accounts.Count))]}, 1)
		if err != nil {
			return
		}
		g.setup()
		for range 100 {
			o, err := g.draw()
			if err != nil {
				return
			}
			if o.from >= g.n || o.to >= g.n || !o.kind.Known() || o.size() > 4300 {
				t.Fatalf("%+v", o)
			}
		}
	})
}
