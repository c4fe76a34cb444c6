package workload

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/chainweir/weir/core/tx"
)

// JSONSchema is the JSON Schema (draft 2020-12) of a file. Parse knows more:
// which settings go with which distribution, and how they must relate.
//
//go:embed workload.schema.json
var JSONSchema []byte

//go:embed builtin/*.yaml
var builtins embed.FS

// Builtins are the names of the workloads that need no file.
func Builtins() []string { return []string{"transfer", "collection", "kv"} }

// Load reads a workload by the name of a built-in one or of a file, and its
// text. Errors are *Error or those of the file system.
func Load(name string) (*Workload, []byte, error) {
	if slices.Contains(Builtins(), name) {
		text, err := builtins.ReadFile("builtin/" + name + ".yaml")
		if err != nil {
			return nil, nil, err
		}
		w, err := Parse(name, text)
		return w, text, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w; give the name of a file, or one of %s", ErrInvalid, err, strings.Join(Builtins(), ", "))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	w, err := Parse(name, text)
	return w, text, err
}

// Parse reads a description. File is its name, for the messages and, without
// directory and extension, for a workload that has none. Errors are *Error.
func Parse(file string, text []byte) (*Workload, error) {
	doc, err := readYAML(file, text)
	if err != nil {
		return nil, err
	}
	if e := doc.validate(file); e != nil {
		return nil, e
	}
	b, err := json.Marshal(doc.value)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, file, err)
	}
	w := &Workload{Name: plainName(file), Accounts: Accounts{Count: DefaultAccounts, Balance: DefaultBalance}}
	if err := json.Unmarshal(b, w); err != nil {
		return nil, problem(file, pos{1, 1}, "", "", err.Error(), "give a number that the setting can have")
	}
	w.AccountsGiven = doc.lookup("/accounts/count") != nil
	c := &checker{doc: doc, out: &Error{File: file}}
	c.workload(w)
	if len(c.out.Problems) > 0 {
		return nil, c.out.sorted()
	}
	return w, nil
}

// plainName makes a name of a file's.
func plainName(file string) string {
	base := strings.ToLower(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
	base = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, base)
	base = strings.TrimLeft(base[:min(len(base), 40)], "_-")
	if base == "" {
		return "workload"
	}
	return base
}

var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("workload.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("workload.schema.json")
})

// validate holds the document to the schema.
func (d *document) validate(file string) error {
	sch, err := compiled()
	if err != nil {
		return fmt.Errorf("the built-in schema: %w", err)
	}
	err = sch.Validate(d.value)
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return err
	}
	out := &Error{File: file}
	d.collect(out, ve)
	return out.sorted()
}

// collect turns the leaves of a validation error into problems.
func (d *document) collect(out *Error, ve *jsonschema.ValidationError) {
	for _, c := range ve.Causes {
		d.collect(out, c)
	}
	if len(ve.Causes) > 0 {
		return
	}
	path := ""
	for _, p := range ve.InstanceLocation {
		path += "/" + p
	}
	if k, ok := ve.ErrorKind.(*kind.AdditionalProperties); ok {
		for _, name := range k.Properties {
			at := d.at[path+"/"+name+"\x00key"]
			out.Problems = append(out.Problems, Problem{at.line, at.column, path, strconv.Quote(name), "unknown key", knownKeys(ve.SchemaURL)})
		}
		return
	}
	at := d.at[path]
	text, remedy := explain(ve.ErrorKind)
	value := d.show(path)
	if _, ok := ve.ErrorKind.(*kind.Required); ok {
		value = ""
	}
	out.Problems = append(out.Problems, Problem{at.line, at.column, path, value, text, remedy})
}

// explain says what a schema error means, and what to do.
func explain(k jsonschema.ErrorKind) (text, remedy string) {
	num := func(r interface{ FloatString(int) string }) string {
		return strings.TrimSuffix(strings.TrimRight(r.FloatString(6), "0"), ".")
	}
	switch k := k.(type) {
	case *kind.Required:
		return "a setting is missing", "add " + strings.Join(k.Missing, ", ")
	case *kind.Type:
		return "has the wrong type", "it must be " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		words := make([]string, len(k.Want))
		for i, w := range k.Want {
			words[i] = fmt.Sprint(w)
		}
		return "is not one of the choices", "use " + strings.Join(words, ", ")
	case *kind.Const:
		return "is not what this version reads", fmt.Sprintf("write %v", k.Want)
	case *kind.Minimum:
		return "is too small", "give " + num(k.Want) + " or more"
	case *kind.Maximum:
		return "is too large", "give " + num(k.Want) + " or less"
	case *kind.ExclusiveMinimum:
		return "is too small", "give more than " + num(k.Want)
	case *kind.Pattern:
		return "does not have the right form", "use up to 40 of a-z, 0-9, - and _"
	case *kind.MinItems, *kind.MinProperties:
		return "has too few entries", "add at least one"
	case *kind.MaxItems:
		return "has too many entries", fmt.Sprintf("keep %d", k.Want)
	case *kind.MaxProperties:
		return "has too many entries", "give a weight and one of transfer, collection, kv"
	}
	return fmt.Sprintf("does not match the schema (%s)", strings.Join(k.KeywordPath(), "/")), "see docs/workloads.md"
}

// knownKeys lists the keys of the object that a schema location describes.
func knownKeys(url string) string {
	_, pointer, _ := strings.Cut(url, "#")
	var node any
	if json.Unmarshal(JSONSchema, &node) != nil {
		return "see docs/workloads.md"
	}
	for step := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		if m, ok := node.(map[string]any); ok && step != "" {
			node = m[step]
		}
	}
	m, _ := node.(map[string]any)
	props, _ := m["properties"].(map[string]any)
	names := make([]string, 0, len(props))
	for name := range props {
		names = append(names, name)
	}
	slices.Sort(names)
	return "known are " + strings.Join(names, ", ")
}

// lookup is the value at a path, nil for none.
func (d *document) lookup(path string) any {
	v := d.value
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// show is the value at a path in a few characters.
func (d *document) show(path string) string {
	if path == "" {
		return ""
	}
	b, err := json.Marshal(d.lookup(path))
	if err != nil {
		return ""
	}
	if s := []rune(string(b)); len(s) > 60 {
		return string(s[:57]) + "…"
	}
	return string(b)
}

// checker looks for what the schema cannot say.
type checker struct {
	doc document
	out *Error
}

// bad notes a problem at the nearest place that the text has.
func (c *checker) bad(path, text, remedy string) {
	at := path
	for c.doc.at[at] == (pos{}) && at != "" {
		at = at[:strings.LastIndexByte(at, '/')]
	}
	p, value := c.doc.at[at], ""
	if at == path {
		value = c.doc.show(path)
	}
	c.out.Problems = append(c.out.Problems, Problem{p.line, p.column, path, value, text, remedy})
}

func (c *checker) workload(w *Workload) {
	for i := range w.Mix {
		p := &w.Mix[i]
		at := "/mix/" + strconv.Itoa(i)
		m, _ := c.doc.lookup(at).(map[string]any)
		n := 0
		for _, name := range []string{"transfer", "collection", "kv"} {
			if _, ok := m[name]; ok {
				n++
			}
		}
		switch {
		case n != 1:
			c.bad(at, "needs exactly one activity", "give transfer, collection or kv, and put others into entries of their own")
		case p.Transfer != nil:
			c.transfer(at+"/transfer", p.Transfer, w)
		case p.Collection != nil:
			c.collection(at+"/collection", p.Collection)
		case p.KV != nil:
			c.pick(at+"/kv/from", p.KV.From)
			c.pick(at+"/kv/key", p.KV.Key)
			c.numbers(at+"/kv/value_bytes", &p.KV.ValueBytes, tx.MaxTail)
		}
	}
}

func (c *checker) transfer(at string, t *Transfer, w *Workload) {
	c.pick(at+"/from", t.From)
	c.pick(at+"/to", t.To)
	c.numbers(at+"/amount", &t.Amount, w.Accounts.Balance)
	if h := t.Hot; h != nil {
		switch {
		case h.Accounts >= w.Accounts.Count:
			c.bad(at+"/hot/accounts", "is not fewer than all accounts", fmt.Sprintf("give less than %d, or raise accounts.count", w.Accounts.Count))
		case h.Side == "both" && h.Accounts < 2:
			c.bad(at+"/hot/accounts", "is too small for transfers between hot accounts", "give 2 or more")
		}
	}
}

func (c *checker) collection(at string, k *Collection) {
	c.pick(at+"/to", k.To)
	c.numbers(at+"/metadata_bytes", &k.MetadataBytes, tx.MaxTail)
	switch {
	case k.Mint == 0 && k.Transfer == 0 && k.Burn == 0:
		c.bad(at, "mint, transfer and burn are all 0", "give one of them a weight")
	case k.Transfer > 0 && k.Items < 2:
		c.bad(at+"/items", "is too small for transfers", "give 2 or more; 16384 let connections overtake each other far")
	case k.Burn > 0 && k.Burnable == 0:
		c.bad(at+"/burnable", "there is nothing to burn", "give as many as the run burns, such as burnable: 50000")
	}
}

func (c *checker) pick(at string, p Pick) {
	switch {
	case p.Dist == Zipf && p.Exponent == 0:
		c.bad(at, "zipf has no exponent", "add one, such as exponent: 0.99")
	case p.Dist != Zipf && p.Exponent != 0:
		c.bad(at+"/exponent", "goes with zipf only", "leave it out, or use dist: zipf")
	}
}

// settings are the keys of each distribution of numbers, the required first.
var settings = map[string][]string{
	Constant: {"value"}, Uniform: {"min", "max"}, LogNormal: {"median", "sigma", "min", "max"}, List: {"values"},
}

func (c *checker) numbers(at string, n *Numbers, limit uint64) {
	if m, ok := c.doc.lookup(at).(map[string]any); ok {
		want := settings[n.Dist]
		for key := range m {
			if key != "dist" && !slices.Contains(want, key) {
				c.bad(at+"/"+key, "does not go with "+n.Dist, "that has "+strings.Join(want, ", "))
			}
		}
		for _, key := range want {
			if _, ok := m[key]; !ok {
				c.bad(at, n.Dist+" has no "+key, "add "+strings.Join(want, ", "))
			}
		}
	}
	over := func(path string, v uint64) {
		if v > limit {
			c.bad(path, "is too large", fmt.Sprintf("give %d or less", limit))
		}
	}
	over(at, n.Value)
	over(at+"/max", n.Max)
	for i := range n.Values {
		over(at+"/values/"+strconv.Itoa(i)+"/value", n.Values[i].Value)
	}
	if n.Dist != Uniform && n.Dist != LogNormal {
		return
	}
	switch {
	case n.Min > n.Max:
		c.bad(at+"/min", "is above max", "swap them")
	case n.Dist == LogNormal && n.Max-n.Min > maxCells:
		c.bad(at+"/max", "is too far above min for lognormal", fmt.Sprintf("keep them within %d", maxCells))
	case n.Dist == LogNormal && n.Max > 0 && n.Sigma > 0 && !(lognormalMass(n) > 1e-9):
		c.bad(at, "almost nothing of this lognormal lies between min and max", fmt.Sprintf("move them towards the median %v", math.Round(n.Median)))
	}
}
