package ci

import (
	"strings"
	"testing"
	"time"
)

func named(t *testing.T, s Sample, name string) Value {
	t.Helper()
	for _, v := range s.Values {
		if v.Name == name {
			return v
		}
	}
	t.Errorf("no %s in %+v", name, s.Values)
	return Value{}
}

func TestReadRun(t *testing.T) {
	s, known, err := readOutput([]byte(`{"schema":"weir.run/1","type":"summary","valid":true,"knee":{"lower_tx_per_sec":50000},
		"latency_ms":{"commit":{"p50":4,"p99":11.5},"accept":{"p99":null}},"wire":{"bytes_per_tx":{"in":231,"out":38}}}` + "\n"))
	if err != nil || !known || s.Invalid != "" {
		t.Fatalf("%+v, %v, %v", s, known, err)
	}
	for name, want := range map[string]float64{"tps": 50000, "p50": 4, "p99": 11.5, "wire_bytes_per_tx": 269, "wire_bytes_per_tx_in": 231} {
		if v := named(t, s, name); v.Value != want {
			t.Errorf("%s is %v, want %v", name, v.Value, want)
		}
	}
	// What is null is not zero.
	for _, name := range []string{"accept_p99", "p999", "cpu_sec_per_tx", "wire_bytes_per_tx_mtu1500"} {
		if _, told := s.value(name); told || !strings.Contains(strings.Join(s.Unknown, " "), name) {
			t.Errorf("%s: told %v, unknown are %q", name, told, s.Unknown)
		}
	}
	for _, doc := range []string{
		`{"schema":"weir.run/1","valid":false,"warnings":["a","b"]}`,
		`{"schema":"weir.load/1","valid":false,"invalid_reason":"a; b"}`,
		`{"schema":"weir.load/1","valid":true,"interrupted":true,"invalid_reason":"a; b"}`,
		`{"metrics":{"x":1},"valid":false,"invalid_reason":"a; b"}`,
	} {
		if s, _, err := readOutput([]byte(doc)); err != nil || s.Invalid != "a; b" || len(s.Values) > 0 {
			t.Errorf("%s: %+v, %v", doc, s, err)
		}
	}
	s, _, err = readOutput([]byte(`{"schema":"weir.load/1","valid":true,"committed_tx_per_sec":990,"latency_ms":{"commit":{"p99":7}}}`))
	if err != nil || named(t, s, "tps").Value != 990 || named(t, s, "p99").Value != 7 {
		t.Errorf("load: %+v, %v", s, err)
	}
}

func TestReadMetrics(t *testing.T) {
	s, known, err := readOutput([]byte(`{"metrics":{"tps":12,"z":{"value":3,"unit":"ms"},"a":{"value":4,"unit":"x","better":"higher"},"gone":null,"p":{"value":null}},"answer":{"root":"ab"}}`))
	if err != nil || !known || s.Answer != `{"root":"ab"}` {
		t.Fatalf("%+v, %v", s, err)
	}
	want := []Value{{Metric{Name: "tps", Unit: "tx/s", Better: Higher}, 12}, {Metric{Name: "z", Unit: "ms", Better: Lower}, 3}, {Metric{Name: "a", Unit: "x", Better: Higher}, 4}}
	if len(s.Values) != len(want) {
		t.Fatalf("values %+v", s.Values)
	}
	for i := range want {
		if s.Values[i] != want[i] {
			t.Errorf("value %d: %+v, want %+v", i, s.Values[i], want[i])
		}
	}
	if strings.Join(s.Unknown, " ") != "gone p" {
		t.Errorf("unknown: %q", s.Unknown)
	}
	for doc, want := range map[string]string{
		`{"metrics":{"x":"fast"}}`:                      "metric x",
		`{"metrics":{"x":{"value":1,"better":"more"}}}`: `"more"`,
		`{"metrics":{"a<=b":1}}`:                        "no name of a metric",
		`{"metrics":{"x":1},"valid":3}`:                 "cannot be read",
	} {
		if _, _, err := readOutput([]byte(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", doc, err, want)
		}
	}
}

func TestReadBench(t *testing.T) {
	s, known, err := readOutput([]byte(`goos: linux
Unit widgets better=higher
BenchmarkSum/n=1-8   100   200 ns/op   16 B/op   5 widgets
BenchmarkSum/n=1-8   100   300 ns/op   16 B/op   5 widgets
BenchmarkSum/n=1-8   100   900 ns/op   16 B/op   5 widgets
BenchmarkHash-8      100   1.5 MB/s
PASS
`))
	if err != nil || !known || s.Answer != "" || len(s.Values) != 4 {
		t.Fatalf("%+v, %v, %v", s, known, err)
	}
	for name, want := range map[string]Value{
		"Sum/n=1 sec/op":  {Metric{Unit: "sec/op", Better: Lower}, 300e-9},
		"Sum/n=1 B/op":    {Metric{Unit: "B/op", Better: Lower}, 16},
		"Sum/n=1 widgets": {Metric{Unit: "widgets", Better: Higher}, 5},
		"Hash B/s":        {Metric{Unit: "B/s", Better: Higher}, 1.5e6},
	} {
		v := named(t, s, name)
		if v.Unit != want.Unit || v.Better != want.Better || v.Value < 0.999999*want.Value || v.Value > 1.000001*want.Value {
			t.Errorf("%s: %+v, want %+v", name, v, want)
		}
	}
}

// Output of no known form is an answer as a whole, whatever it looks like.
func TestReadOther(t *testing.T) {
	for _, out := range []string{"", "42\n", `{"x":1}`, `{"metrics":3}`, `{"schema":7}`, "{", "[1]", "Benchmark\n", "BenchmarkX 1\n"} {
		s, err := (&Runner{}).read([]byte(out), usage{wall: time.Second})
		if err != nil || s.Answer != out || named(t, s, "time").Value != 1 || named(t, s, "time").Aside {
			t.Errorf("%q: %+v, %v", out, s, err)
		}
	}
	// Beside figures of a program's own the process's stand aside.
	s, err := (&Runner{}).read([]byte(`{"metrics":{"cpu_time":9}}`), usage{wall: time.Second, cpu: time.Second})
	if err != nil || !named(t, s, "time").Aside || named(t, s, "cpu_time").Value != 9 || len(s.Values) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

func FuzzReadOutput(f *testing.F) {
	f.Add([]byte(`{"metrics":{"tps":12,"z":{"value":3,"unit":"ms"}},"answer":1}`))
	f.Add([]byte(`{"schema":"weir.run/1","valid":true,"knee":{"lower_tx_per_sec":1}}`))
	f.Add([]byte("BenchmarkA 1 2 ns/op 3 B/op\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		s, known, err := readOutput(out)
		if err != nil {
			return
		}
		if !known && (len(s.Values) > 0 || s.Invalid != "") {
			t.Errorf("%q is of no known form and says %+v", out, s)
		}
		for _, v := range s.Values {
			if v.Name == "" || strings.ContainsAny(v.Name, ",") {
				t.Errorf("%q has a metric %q that no gate can name", out, v.Name)
			}
		}
	})
}
