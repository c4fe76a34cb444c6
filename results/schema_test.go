package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compileSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, n := range []string{SchemaRun, SchemaLoad} {
		data, err := JSONSchema(n)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(SchemaFile(n), doc); err != nil {
			t.Fatal(err)
		}
	}
	sch, err := c.Compile(SchemaFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return sch
}

func toDoc(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSchemaAcceptsEveryType(t *testing.T) {
	run, load := compileSchema(t, SchemaRun), compileSchema(t, SchemaLoad)
	for _, l := range sampleLines(t) {
		if err := run.Validate(toDoc(t, l)); err != nil {
			t.Errorf("full %s line: %v", l.lineType(), err)
		}
	}
	if err := load.Validate(toDoc(t, sampleTrial().Load(nil, false))); err != nil {
		t.Errorf("load: %v", err)
	}
}

// An interrupted run on a system that can measure almost nothing must still
// give valid lines: unknown is null, and null is allowed.
func TestSchemaAcceptsTheUnknown(t *testing.T) {
	run := compileSchema(t, SchemaRun)
	for _, l := range []Line{
		Env{Class: EnvClass{OS: "plan9", Arch: "arm", LogicalCores: 1, UsableCores: 1, GoVersion: "go1.26"}},
		Trial{ID: 1, Phase: PhaseExplore, Schedule: "constant", StartedAt: sampleTime, InvalidReason: "interrupted", Verdict: VerdictInvalid},
		Trial{ID: 1, Phase: PhaseExplore, Schedule: "constant", StartedAt: sampleTime, Valid: true, Verdict: VerdictBad, Node: &NodeUsage{}, Wire: &WireCounters{}},
		Window{TrialID: 1, DurationNS: 1},
		Summary{Workload: "transfer", StartedAt: sampleTime, Interrupted: true},
	} {
		if err := run.Validate(toDoc(t, l)); err != nil {
			t.Errorf("%s: %v", l.lineType(), err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	run, load := compileSchema(t, SchemaRun), compileSchema(t, SchemaLoad)
	cases := []struct {
		why  string
		of   any
		path string // dotted
		to   any    // removeKey: delete it
	}{
		{"no schema", sampleTrial(), "schema", removeKey{}},
		{"another schema", sampleTrial(), "schema", "weir.run/2"},
		{"no type", sampleTrial(), "type", removeKey{}},
		{"unknown type", sampleTrial(), "type", "round"},
		{"a type that is another's", sampleTrial(), "type", "window"},
		{"no counts", sampleTrial(), "counts", removeKey{}},
		{"count that is negative", sampleTrial(), "counts.sent", -1},
		{"count that is a fraction", sampleTrial(), "counts.sent", 1.5},
		{"rejected as a number", sampleTrial(), "counts.rejected", 3},
		{"rejected as null", sampleTrial(), "counts.rejected", nil},
		{"unknown verdict", sampleTrial(), "verdict", "excellent"},
		{"good verdict on an invalid trial", sampleTrial(), "valid", false},
		{"reason of invalidity on a valid trial", sampleTrial(), "invalid_reason", "generator"},
		{"unknown phase", sampleTrial(), "phase", "warmup"},
		{"fidelity above one", sampleTrial(), "fidelity", 1.01},
		{"a quantile that is missing", sampleTrial(), "latency_ms.commit.p999", removeKey{}},
		{"quantiles of no samples", sampleTrial(), "latency_ms.commit.count", 0},
		{"text as a rate", sampleTrial(), "offered_tx_per_sec", "20k"},
		{"a time that is none", sampleTrial(), "started_at", "yesterday"},
		{"trial 0", sampleTrial(), "id", 0},
		{"a wire without direction", sampleTrial(), "wire.out", removeKey{}},
		{"empty window", sampleWindow(t), "duration_ns", 0},
		{"window of no trial", sampleWindow(t), "trial_id", removeKey{}},
		{"histogram without unit", sampleWindow(t), "histograms.0.unit_ns", 0},
		{"no cores", sampleEnv(), "class.logical_cores", 0},
		{"features as text", sampleEnv(), "class.cpu_features", "avx"},
		{"warning without text", sampleEnv(), "warnings.0.text", ""},
		{"steal above one", sampleEnv(), "detail.steal_fraction", 1.5},
		{"empty text for unknown", sampleEnv(), "class.kernel", ""},
		{"knee as text", sampleSummary(), "knee.lower_tx_per_sec", "92k"},
		{"confirmed without a bound", sampleSummary(), "knee.lower_tx_per_sec", nil},
		{"confirmed zero times", sampleSummary(), "knee.confirmations", 0},
		{"warnings as null", sampleSummary(), "warnings", nil},
		{"trials as null", sampleSummary(), "trials", nil},
		{"direction sideways", sampleSummary(), "link.direction", "both"},
		{"negative demand", sampleSummary(), "demand.cpu_sec_per_tx", -1e-6},
		{"a demand that is missing", sampleSummary(), "demand.generator_sec_per_tx", removeKey{}},
		{"a wall without rate", sampleSummary(), "next_wall.tx_per_sec", nil},
		{"a load result of a run", sampleTrial().Load(nil, false), "schema", "weir.run/1"},
		{"a load result without lost", sampleTrial().Load(nil, false), "lost", removeKey{}},
		{"a load result with a negative count", sampleTrial().Load(nil, false), "expired", -4},
	}
	for _, c := range cases {
		sch := run
		if _, isLoad := c.of.(LoadResult); isLoad {
			sch = load
		}
		doc := toDoc(t, c.of)
		if err := sch.Validate(doc); err != nil {
			t.Fatalf("%s: the sample itself is refused: %v", c.why, err)
		}
		setPath(t, doc, strings.Split(c.path, "."), c.to)
		if err := sch.Validate(doc); err == nil {
			t.Errorf("%s (%s) is accepted", c.why, c.path)
		}
	}
}

type removeKey struct{}

// setPath changes one value deep in doc; a missing key fails the test, so that
// a case cannot pass because it changed nothing.
func setPath(t *testing.T, doc any, path []string, to any) {
	t.Helper()
	for i, key := range path {
		last := i == len(path)-1
		switch node := doc.(type) {
		case map[string]any:
			if _, ok := node[key]; !ok {
				t.Fatalf("no key %q in the sample", strings.Join(path[:i+1], "."))
			}
			if _, del := to.(removeKey); last && del {
				delete(node, key)
			} else if last {
				node[key] = to
			}
			doc = node[key]
		case []any:
			if key != "0" || len(node) == 0 {
				t.Fatalf("no element %s", strings.Join(path[:i+1], "."))
			}
			doc = node[0]
		default:
			t.Fatalf("%s is no container", strings.Join(path[:i], "."))
		}
	}
}

// TestSchemaMatchesTypes fails when a Go field is missing from the schema file
// or the other way round, at any depth.
func TestSchemaMatchesTypes(t *testing.T) {
	for _, c := range []struct {
		schema, def string
		typ         reflect.Type
	}{
		{SchemaRun, "env", reflect.TypeFor[Env]()},
		{SchemaRun, "trial", reflect.TypeFor[Trial]()},
		{SchemaRun, "window", reflect.TypeFor[Window]()},
		{SchemaRun, "summary", reflect.TypeFor[Summary]()},
		{SchemaLoad, "", reflect.TypeFor[LoadResult]()},
	} {
		data, err := JSONSchema(c.schema)
		if err != nil {
			t.Fatal(err)
		}
		runData, err := JSONSchema(SchemaRun)
		if err != nil {
			t.Fatal(err)
		}
		var own, run map[string]any
		if err := errors.Join(json.Unmarshal(data, &own), json.Unmarshal(runData, &run)); err != nil {
			t.Fatal(err)
		}
		node := own
		if c.def != "" {
			node = own["$defs"].(map[string]any)[c.def].(map[string]any)
		}
		m := matcher{t: t, defs: run["$defs"].(map[string]any)}
		m.match(c.schema+" "+c.def, node, c.typ)
		if m.objects == 0 {
			t.Errorf("%s %s: nothing was compared", c.schema, c.def)
		}
	}
}

type matcher struct {
	t       *testing.T
	defs    map[string]any
	objects int
}

func (m *matcher) match(path string, node map[string]any, typ reflect.Type) {
	node = m.resolve(node)
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ == reflect.TypeFor[time.Time]() {
		return
	}
	switch typ.Kind() {
	case reflect.Slice:
		m.match(path+"[]", node["items"].(map[string]any), typ.Elem())
	case reflect.Struct:
		m.objects++
		fields := jsonFields(typ)
		props, ok := node["properties"].(map[string]any)
		if !ok {
			m.t.Fatalf("%s: the schema has no properties for %v", path, typ)
		}
		for key := range props {
			if _, ok := fields[key]; !ok {
				m.t.Errorf("%s: %q is in the schema and not in %v", path, key, typ)
			}
		}
		for key, f := range fields {
			prop, ok := props[key].(map[string]any)
			if !ok {
				m.t.Errorf("%s: %q of %v is not in the schema", path, key, typ)
				continue
			}
			optional := strings.HasSuffix(f.Tag.Get("json"), ",omitempty")
			if slices.Contains(node["required"].([]any), any(key)) == optional {
				m.t.Errorf("%s: %q: required in the schema is %v", path, key, !optional)
			}
			m.match(path+"."+key, prop, f.Type)
		}
	}
}

func (m *matcher) resolve(node map[string]any) map[string]any {
	if alts, ok := node["anyOf"].([]any); ok { // null or the object
		node = alts[len(alts)-1].(map[string]any)
	}
	if ref, ok := node["$ref"].(string); ok {
		name := ref[strings.LastIndex(ref, "/")+1:]
		return m.resolve(m.defs[name].(map[string]any))
	}
	return node
}

func jsonFields(typ reflect.Type) map[string]reflect.StructField {
	out := make(map[string]reflect.StructField)
	for _, f := range reflect.VisibleFields(typ) {
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" {
			out[key] = f
		}
	}
	return out
}

func TestJSONSchemaUnknownName(t *testing.T) {
	for _, name := range []string{"", "weir.run/2", "../doc.go", "a/../../x"} {
		if _, err := JSONSchema(name); !errors.Is(err, ErrNoSchema) {
			t.Errorf("JSONSchema(%q): %v", name, err)
		}
	}
}
