package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/chainweir/weir/results"
)

// holdSchema holds one printed object against its JSON Schema, and makes sure
// that the schema refuses an unknown key in any object within it.
func holdSchema(t *testing.T, name, text string) {
	t.Helper()
	bad, err := results.ValidateObject(name, []byte(text))
	if err != nil || len(bad) > 0 {
		t.Errorf("%s: %v %v\n%s", name, err, bad, text)
		return
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if doc["schema"] != name {
		t.Errorf("schema %v, want %s", doc["schema"], name)
	}
	for _, o := range objectsOf(doc) {
		const key = "not_in_the_schema"
		o[key] = "x"
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if bad, err := results.ValidateObject(name, b); err != nil || len(bad) == 0 {
			t.Errorf("%s: %v, an unknown key is accepted beside %v", name, err, slices.Sorted(maps.Keys(o)))
		}
		delete(o, key)
	}
	for key := range doc {
		had := doc[key]
		delete(doc, key)
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if bad, err := results.ValidateObject(name, b); err != nil || len(bad) == 0 {
			t.Errorf("%s: %v, an object without %s is accepted", name, err, key)
		}
		doc[key] = had
	}
}

// objectsOf returns v and all objects in it; of a list the first one.
func objectsOf(v any) (out []map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		out = append(out, v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, objectsOf(v[key])...)
		}
	case []any:
		if len(v) > 0 {
			out = objectsOf(v[0])
		}
	}
	return out
}

func TestSchemaOfCompare(t *testing.T) {
	base, slow := compareText(t, 1, "a"), compareText(t, 1.1, "a")
	zeros := filepath.Join(t.TempDir(), "z.txt")
	text := strings.Repeat("BenchmarkX 1 0 allocs/op 64 B/op\nBenchmarkY 1 0 allocs/op 32 B/op\n", 5)
	if err := os.WriteFile(zeros, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	record := recordFile(t, nil)
	for _, sides := range [][2]string{{base, slow}, {base, base}, {zeros, zeros}, {record, recordFile(t, nil)}} {
		out, stderr, _ := inProcess("compare", sides[0], sides[1], "--json")
		if out == "" {
			t.Fatal(stderr)
		}
		holdSchema(t, "weir.compare/1", out)
	}
}

func TestSchemaOfHistory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "h.jsonl")
	for day := range 12 {
		text := compareText(t, 1+float64(day/6)*.2+.001*float64(day%3), "a")
		point, stderr, code := inProcess("history", "--add", text, "--to", file, "--at", fmt.Sprintf("2026-01-%02dT00:00:00Z", day+1), "--name", "x", "--json")
		if code != exitOK {
			t.Fatal(stderr)
		}
		holdPoint(t, point)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	holdPoint(t, first)
	out, stderr, _ := inProcess("history", file, "--json")
	if !strings.Contains(out, `"verdict":"slower"`) {
		t.Fatalf("no change in %s%s", out, stderr)
	}
	holdSchema(t, "weir.history/1", out)
}

// holdPoint holds a line of a history file against its part of the schema.
func holdPoint(t *testing.T, line string) {
	t.Helper()
	data, err := results.JSONSchema("weir.history/1")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("h.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("h.json#/$defs/point")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{line: true, strings.Replace(line, `"name":`, `"other":1,"name":`, 1): false} {
		point, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(point); (err == nil) != want {
			t.Errorf("%v: %s", err, text)
		}
	}
}

func TestSchemaOfPlan(t *testing.T) {
	dir := planRecord(t, t.TempDir(), nil)
	for _, args := range [][]string{
		{"--link", "1gbit", "--rate", "79k"}, {},
		{"--nodes", "16", "--link", "1gbit", "--cores", "8", "--rate", "900k", "--size", "500", "--faster", "hashing=2"},
	} {
		out, stderr, _ := planRun(append([]string{dir, "--json"}, args...)...)
		if out == "" {
			t.Fatal(stderr)
		}
		holdSchema(t, "weir.plan/1", out)
	}
}

func TestSchemaOfFit(t *testing.T) {
	for _, args := range [][]string{
		{"--model", "usl", "--at", "100,500", "--inverse", "1500,9999"}, {}, {"--model", "bounds"}, {"--model", "payload"}, {"--model", "amdahl"},
	} {
		out, stderr, _ := fitText(t, specSDM91, append([]string{"--json"}, args...)...)
		if out == "" {
			t.Fatal(stderr)
		}
		holdSchema(t, "weir.fit/1", out)
	}
}

func TestSchemaOfImport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "loadtime.txt")
	if err := os.WriteFile(file, []byte(importSample), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--duration", "100s"}, nil} {
		_, out, stderr := runCommand(append([]string{"import", file, "--json"}, args...)...)
		if out == "" {
			t.Fatal(stderr)
		}
		holdSchema(t, "weir.import/1", out)
	}
}

// Every schema is named after its file, says what it is of, and is listed in the
// documentation.
func TestSchemasAreListed(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := results.SchemaNames()
	for _, want := range []string{"weir.run/1", "weir.load/1", "weir.compare/1", "weir.ci/1", "weir.history/1", "weir.plan/1", "weir.fit/1", "weir.import/1"} {
		if !slices.Contains(names, want) {
			t.Errorf("no schema of %s among %v", want, names)
		}
	}
	for _, name := range names {
		data, err := results.JSONSchema(name)
		if err != nil {
			t.Fatal(err)
		}
		var head struct {
			ID    string `json:"$id"`
			Title string `json:"title"`
		}
		if err := json.Unmarshal(data, &head); err != nil || head.ID != results.SchemaFile(name) || head.Title == "" {
			t.Errorf("%s: %v, %+v", name, err, head)
		}
		if !strings.Contains(string(docs), "results/schema/"+results.SchemaFile(name)) {
			t.Errorf("docs/formats.md does not name the schema of %s", name)
		}
	}
}
