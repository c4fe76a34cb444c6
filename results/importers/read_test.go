package importers

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"
)

// loadtimeOne is a report of two experiments, loadtimeThree one pasted in
// columns, as CometBFT's own documentation has them (v1.0 QA, 200 nodes).
const (
	loadtimeOne = `Experiment ID: 3d5cf4ef-1a1a-4b46-aa2d-da5643d2e81e

	Connections: 1
	Rate: 25
	Size: 1024

	Total Valid Tx: 2225
	Total Negative Latencies: 0
	Minimum Latency: 599.404362ms
	Maximum Latency: 3.539686885s
	Average Latency: 1.441485349s
	Standard Deviation: 541.049869ms

Experiment ID: 80e472ec-13a1-4772-a827-3b0c907fb51d

	Connections: 2
	Rate: 25
	Size: 1024

	Total Valid Tx: 4450
	Total Negative Latencies: 3
	Minimum Latency: -2ms
	Maximum Latency: 1m3.237392049s
	Average Latency: 1.441267946s
	Standard Deviation: 525.040007ms

Total Invalid Tx: 7
`
	loadtimeThree = `Experiment ID: 73d1ecf6-2dbe-4288-bd84-72e286d939be  Experiment ID: b3447e8e-f85e-48be-bb05-bf1b35b9e8b6 │Experiment ID: 7b76c980
    Connections: 1                                       Connections: 2                                  │    Connections: 4
    Rate: 200                                            Rate: 200                                       │    Rate: 200
    Size: 1024                                           Size: 1024                                      │    Size: 1024
    Total Valid Tx: 17800                                Total Valid Tx: 34600                           │    Total Valid Tx: 50464
    Average Latency: 3.873914787s                        Average Latency: 6.759146915s                   │    Average Latency: 9.394390517s
`
	hotstuffTwo = `
-----------------------------------------
 SUMMARY:
-----------------------------------------
 + CONFIG:
 Committee size: 10 nodes
 Input rate: 18,000 tx/s
 Transaction size: 512 B
 Faults: 1 nodes
 Execution time: 300 s

 Consensus timeout delay: 5,000 ms

 + RESULTS:
 Consensus TPS: 10,396 tx/s
 Consensus BPS: 5,322,639 B/s
 Consensus latency: 1,234 ms

 End-to-end TPS: 10,318 tx/s
 End-to-end BPS: 5,282,817 B/s
 End-to-end latency: 6,032 ms
-----------------------------------------
 SUMMARY:
 Faults: 0 node(s)
 Committee size: 20 node(s)
 Worker(s) per node: 1 worker(s)
 Input rate: 9,000 tx/s
 Execution time: 287 s
 End-to-end TPS: 8,990 tx/s
 End-to-end latency: 3,661 ms
`
	vegetaOne = `{"latencies":{"total":37036760000,"mean":12345587,"50th":10234567,"90th":19876543,"95th":24567890,"99th":38901234,"max":98765432,"min":503210},` +
		`"bytes_in":{"total":3072000,"mean":1024},"earliest":"2025-03-15T14:30:00Z","duration":29990000000,"wait":10000000,"requests":3000,` +
		`"rate":100.03334,"throughput":99.66667,"success":0.996666666,"status_codes":{"200":2990,"500":10},"errors":[]}`
)

func TestLoadtime(t *testing.T) {
	runs := read(t, loadtimeOne, Options{})
	if len(runs) != 2 {
		t.Fatalf("%d runs", len(runs))
	}
	r := runs[0]
	if *r.OfferedTxPerSec != 25 || *r.Clients != 1 || *r.TxBytes != 1024 || *r.Committed != 2225 || *r.LatencyMS.Mean != 1441.485349 || r.Line != 1 {
		t.Errorf("%+v", r)
	}
	if r.CommittedTxPerSec != nil || r.DurationSec != nil || r.Sent != nil || r.Failed != nil {
		t.Errorf("what the report does not say is known: %+v", r)
	}
	if r = runs[1]; *r.OfferedTxPerSec != 50 || !hasLint(r, LintNegative) || *r.LatencyMS.Min != -2 || *r.LatencyMS.Max != 63237.392049 {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(strings.Join(r.Notes, "\n"), "7 transactions that are not") {
		t.Errorf("%q", r.Notes)
	}
	runs = read(t, loadtimeThree, Options{DurationSec: 90})
	if len(runs) != 3 {
		t.Fatalf("%d runs", len(runs))
	}
	for i, want := range []float64{197.7778, 384.4444, 560.7111} {
		if got := *runs[i].CommittedTxPerSec; math.Abs(got-want) > 1e-3 {
			t.Errorf("%d: %v tx/s, want %v", i, got, want)
		}
		if n, how := runs[i].Concurrency(); how != "little" || math.Abs(*n-want**runs[i].LatencyMS.Mean/1e3) > 0.01 {
			t.Errorf("%d: n %v by %s", i, *n, how)
		}
	}
	if *runs[2].OfferedTxPerSec != 800 || runs[2].Name != "7b76c980" || !hasLint(runs[2], LintOverload) {
		t.Errorf("%+v", runs[2])
	}
}

func TestLoadtimeCSV(t *testing.T) {
	var b strings.Builder
	b.WriteString("experiment_id,block_time,duration_ns,tx_hash,connections,rate,size\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "abc,%d,%d,FF,2,50,1024\n", 1_700_000_000_000_000_000+int64(i)*10_000_000, 50_000_000)
	}
	runs := read(t, b.String(), Options{})
	r := runs[0]
	if len(runs) != 1 || *r.Committed != 1000 || *r.OfferedTxPerSec != 100 {
		t.Fatalf("%+v", runs)
	}
	if got := *r.DurationSec; math.Abs(got-10.04) > 1e-6 { // first send to last block
		t.Errorf("%v s", got)
	}
	if math.Abs(*r.LatencyMS.P50-50) > 0.1 || *r.LatencyMS.StdDev != 0 || r.Histogram == nil {
		t.Errorf("%+v", r.LatencyMS)
	}
}

func TestHotStuff(t *testing.T) {
	runs := read(t, hotstuffTwo, Options{})
	if len(runs) != 2 {
		t.Fatalf("%d runs", len(runs))
	}
	r := runs[0]
	if *r.Nodes != 10 || *r.OfferedTxPerSec != 18000 || *r.CommittedTxPerSec != 10318 || *r.LatencyMS.Mean != 6032 || *r.TxBytes != 512 || r.Line != 3 {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(r.Name, "1 faulty") || !hasLint(r, LintOverload) || !hasLint(r, LintMean) || r.LatencyMS.P99 != nil {
		t.Errorf("%q %v", r.Name, r.Lints)
	}
	if r := runs[1]; *r.Nodes != 20 || *r.CommittedTxPerSec != 8990 || hasLint(r, LintOverload) {
		t.Errorf("%+v", r)
	}
}

func TestVegeta(t *testing.T) {
	runs := read(t, vegetaOne+"\n"+vegetaOne+"\n", Options{})
	if len(runs) != 2 || runs[1].Line != 2 {
		t.Fatalf("%+v", runs)
	}
	r := runs[0]
	if *r.Committed != 2990 || *r.Failed != 10 || *r.DurationSec != 30 || math.Abs(*r.CommittedTxPerSec-99.6666667) > 1e-6 || *r.LatencyMS.P99 != 38.901234 {
		t.Errorf("%+v", r)
	}
	if hasLint(r, LintFailures) || !hasLint(r, LintLoss) {
		t.Errorf("%v", r.Lints)
	}
	var hits strings.Builder
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range 1001 {
		code, problem := 200, ""
		if i%100 == 50 {
			code, problem = 0, "timeout"
		}
		at := begin.Add(time.Duration(i) * 10 * time.Millisecond).Format(time.RFC3339Nano)
		fmt.Fprintf(&hits, `{"attack":"x","seq":%d,"code":%d,"timestamp":%q,"latency":20000000,"bytes_out":0,"bytes_in":5,"error":%q}`+"\n", i, code, at, problem)
	}
	runs = read(t, hits.String(), Options{})
	if r = runs[0]; len(runs) != 1 || *r.Sent != 1001 || *r.Failed != 10 || math.Abs(*r.SentTxPerSec-100.1) > 1e-9 || math.Abs(*r.DurationSec-10.02) > 1e-9 {
		t.Errorf("%+v", runs)
	}
	if math.Abs(*r.LatencyMS.P50-20) > 0.02 || *r.LatencyMS.Samples != 991 {
		t.Errorf("%+v", r.LatencyMS)
	}
}

// k6Text is a run of k6: vus users, each turn of turnMS with one request of
// half of it, for sec seconds; of every failEvery requests one fails.
func k6Text(vus, turnMS, sec, failEvery int, scenario string) string {
	var b strings.Builder
	b.WriteString(`{"type":"Metric","data":{"name":"http_req_duration","type":"trend","contains":"time","thresholds":[],"submetrics":null},"metric":"http_req_duration"}` + "\n")
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 7200))
	point := func(metric string, at time.Time, v float64, tags string) {
		fmt.Fprintf(&b, `{"metric":%q,"type":"Point","data":{"time":%q,"value":%v,"tags":{"scenario":%q%s}}}`+"\n", metric, at.Format(time.RFC3339Nano), v, scenario, tags)
	}
	n := 0
	for at := begin; at.Before(begin.Add(time.Duration(sec) * time.Second)); at = at.Add(time.Duration(turnMS) * time.Millisecond) {
		end := at.Add(time.Duration(turnMS) * time.Millisecond)
		for range vus {
			n++
			bad := failEvery > 0 && n%failEvery == 0
			failed := 0.0
			if bad {
				failed = 1
			}
			middle := at.Add(time.Duration(turnMS) * time.Millisecond / 2)
			point("http_reqs", middle, 1, "")
			point("http_req_duration", middle, float64(turnMS)/2, fmt.Sprintf(`,"expected_response":"%v","status":"200"`, !bad))
			point("http_req_failed", middle, failed, "")
			point("iteration_duration", end, float64(turnMS), "")
		}
	}
	fmt.Fprintf(&b, `{"metric":"vus","type":"Point","data":{"time":%q,"value":%d,"tags":null}}`+"\n", begin.Format(time.RFC3339Nano), vus)
	return b.String()
}

func TestK6(t *testing.T) {
	runs := read(t, k6Text(10, 100, 10, 50, "default"), Options{})
	r := runs[0]
	if len(runs) != 1 || r.Name != "default" || *r.Sent != 1000 || *r.Failed != 20 || *r.Committed != 980 || *r.Dropped != 0 {
		t.Fatalf("%+v", runs)
	}
	if !r.Closed || !hasLint(r, LintClosedLoop) || hasLint(r, LintLittle) || !hasLint(r, LintFailures) || *r.Clients != 10 {
		t.Errorf("%v %+v", r.Lints, r)
	}
	if math.Abs(*r.LatencyMS.P50-50) > 0.06 || *r.LatencyMS.Samples != 980 || r.Histogram == nil {
		t.Errorf("%+v", r.LatencyMS)
	}
	if n, how := r.Concurrency(); how != "clients" || *n != 10 {
		t.Errorf("%v %s", n, how)
	}
	// Users to spare: a rate of its own. None left: dropped, and the generator
	// was measured.
	drop := `{"metric":"dropped_iterations","type":"Point","data":{"time":"2026-01-02T03:04:06Z","value":500,"tags":{"scenario":"rate"}}}` + "\n"
	r = read(t, strings.Replace(k6Text(10, 100, 10, 0, "rate"), `"value":10,"tags":null`, `"value":40,"tags":null`, 1)+drop, Options{})[0]
	if r.Closed || *r.Dropped != 500 || *r.Offered != 1500 || !hasLint(r, LintFidelity) {
		t.Errorf("%v %+v", r.Lints, r)
	}
	// Scenarios are apart, and gzip is read as it is.
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, k6Text(2, 100, 1, 0, "a")+k6Text(3, 100, 1, 0, "b"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	runs = read(t, packed.String(), Options{})
	if len(runs) != 2 || runs[0].Name != "a" || *runs[0].Sent != 20 || *runs[1].Sent != 30 || runs[0].Clients != nil {
		t.Errorf("%+v", runs)
	}
}

func TestK6Summary(t *testing.T) {
	flat := `{"root_group":{},"metrics":{"http_reqs":{"count":1000,"rate":100},"http_req_failed":{"passes":20,"fails":980,"value":0.02},` +
		`"http_req_duration":{"avg":50,"min":40,"med":49,"max":90,"p(90)":60,"p(95)":70},"vus":{"value":10,"min":10,"max":10},` +
		`"iterations":{"count":1000,"rate":100},"iteration_duration":{"avg":100}}}`
	deep := `{"state":{"testRunDurationMs":10000},"metrics":{"http_reqs":{"type":"counter","values":{"count":1000,"rate":100}},` +
		`"http_req_failed":{"type":"rate","values":{"rate":0.02,"passes":20,"fails":980}},"http_req_duration":{"values":{"avg":50,"med":49,"p(99)":80}},` +
		`"vus":{"values":{"max":10}},"iterations":{"values":{"count":1000,"rate":100}},"iteration_duration":{"values":{"avg":100}}}}`
	for name, text := range map[string]string{"flat": flat, "deep": deep} {
		r := read(t, text, Options{})[0]
		if r.Format != FormatK6Summary || *r.Failed != 20 || *r.Committed != 980 || *r.CommittedTxPerSec != 98 || *r.ReportedTxPerSec != 100 || !r.Closed || *r.LatencyMS.P50 != 49 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := read(t, deep, Options{})[0]; *r.LatencyMS.P99 != 80 || r.LatencyMS.P95 != nil {
		t.Errorf("%+v", r.LatencyMS)
	}
}

func TestBadInput(t *testing.T) {
	k6 := k6Text(1, 100, 1, 0, "x")
	for _, tt := range []struct {
		name, text string
		opt        Options
		want       string
	}{
		{"empty", "", Options{}, "in:1: bad result file: the file is empty"},
		{"blank", "\n \n", Options{}, "the file is empty"},
		{"foreign", "hello\n", Options{}, `in:1: unknown format: it begins with "hello"`},
		{"ours", `{"schema":"weir.run/1"}`, Options{}, "weir's own"},
		{"format", "x", Options{Format: "gatling"}, `unknown format "gatling": give one of k6`},
		{"duration", "x", Options{DurationSec: math.NaN()}, "duration of NaN"},
		{"k6 cut", k6[:len(k6)-30], Options{}, "cut off after"},
		{"k6 line", strings.Replace(k6, `"value":50`, `"value":"NaN"`, 1), Options{}, `in:3: bad result file: key "data.value" is a JSON string`},
		{"k6 NaN", strings.Replace(k6, `"value":50`, `"value":NaN`, 1), Options{}, "in:3: bad result file: not JSON"},
		{"k6 negative", strings.Replace(k6, `"value":50`, `"value":-5`, 1), Options{}, "in:3: bad result file: http_req_duration is -5 ms"},
		{"k6 nothing", k6[:strings.Index(k6, "\n")], Options{}, "no result in it, read as k6"},
		{"k6 type", `{"metric":"a","type":"Sample","data":{}}`, Options{}, `type "Sample"`},
		{"summary", `{"metrics":{}}`, Options{}, "no http_reqs"},
		{"summary share", `{"metrics":{"http_reqs":{"count":1,"rate":1},"http_req_duration":{"avg":1},"http_req_failed":{"value":2}}}`, Options{}, "a share of 2"},
		{"vegeta cut", vegetaOne[:200], Options{}, "in:1: bad result file"},
		{"vegeta half", `{"latencies":{"mean":1}}`, Options{}, "not a report of vegeta"},
		{"vegeta success", strings.Replace(vegetaOne, `"success":0.996666666`, `"success":99.6`, 1), Options{}, "success 99.6"},
		{"vegeta binary", "\x10\xff\x81", Options{}, "unknown format"},
		{"caliper without table", "<html><title>Hyperledger Caliper Report</title></html>", Options{}, "no table"},
		{"caliper cell", caliperPage([][]string{{"a", "many", "0", "1", "1", "1", "1", "1"}}), Options{}, `succ: "many" is not a number`},
		{"caliper half", caliperPage([][]string{{"a", "1.5", "0", "1", "1", "1", "1", "1"}}), Options{}, "1.5 is not a whole number"},
		{"caliper columns", caliperPage([][]string{{"a", "1"}}), Options{}, "2 cells below 8 headers"},
		{"caliper NaN", caliperPage([][]string{{"a", "-1", "0", "1", "1", "1", "1", "1"}}), Options{}, `"-1" is not a number at or above zero`},
		{"loadtime columns", strings.Replace(loadtimeThree, "Rate: 200", "Rote: 200", 1), Options{}, "in:3: bad result file: 2 values of Rate for 3 experiments"},
		{"loadtime value", strings.Replace(loadtimeOne, "2225", "many", 1), Options{}, `in:7: bad result file: Total Valid Tx: "many"`},
		{"loadtime cut", loadtimeOne[:60], Options{}, "has no Total Valid Tx"},
		{"loadtime CSV", "experiment_id,block_time\n", Options{}, "in:1: bad result file: column duration_ns is missing"},
		{"loadtime CSV row", "experiment_id,block_time,duration_ns,connections,rate,size\na,1,x,1,1,1\n", Options{}, `in:2: bad result file: duration_ns "x"`},
		{"hotstuff cut", hotstuffTwo[:300], Options{}, "in:3: bad result file: no End-to-end TPS"},
		{"hotstuff value", strings.Replace(hotstuffTwo, "10,318 tx/s", "NaN tx/s", 1), Options{}, `in:19: bad result file: End-to-end TPS: "NaN tx/s"`},
		{"hotstuff unit", strings.Replace(hotstuffTwo, "6,032 ms", "6,032 s", 1), Options{}, `End-to-end latency is in "s", want ms`},
		{"hotstuff twice", strings.Replace(hotstuffTwo, "Consensus BPS", "End-to-end TPS", 1), Options{}, "want tx/s"},
	} {
		_, err := Read(strings.NewReader(tt.text), "in", tt.opt)
		if !errors.Is(err, ErrBadResult) && !errors.Is(err, ErrUnknownFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	dir := t.TempDir()
	if _, err := ReadFile(dir, Options{}); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("%v", err)
	}
	if _, err := ReadFile(filepath.Join(dir, "none"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// Whatever a file holds: no panic, a known error, finite figures, and JSON.
func FuzzRead(f *testing.F) {
	for _, text := range []string{loadtimeOne, loadtimeThree, hotstuffTwo, vegetaOne, k6Text(1, 100, 1, 2, "x"), caliperPage(issue1143[:3]), caliperLog(issue1143[:3])} {
		for i := range Formats {
			f.Add([]byte(text), uint8(i+1))
		}
		f.Add([]byte(text), uint8(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, format uint8) {
		opt := Options{DurationSec: 10}
		if n := int(format) % (len(Formats) + 1); n > 0 {
			opt.Format = Formats[n-1]
		}
		set, err := Read(bytes.NewReader(data), "in", opt)
		if err != nil {
			if !errors.Is(err, ErrBadResult) && !errors.Is(err, ErrUnknownFormat) || !strings.HasPrefix(err.Error(), "in:") {
				t.Errorf("%v", err)
			}
			return
		}
		if _, err := json.Marshal(set); err != nil {
			t.Errorf("%v", err)
		}
		var text bytes.Buffer
		if err := WriteBench(&text, set.Runs); err != nil {
			t.Errorf("%v", err)
		}
		r := benchfmt.NewReader(&text, "bench")
		for r.Scan() {
			if e, bad := r.Result().(*benchfmt.SyntaxError); bad {
				t.Errorf("%v", e)
			}
		}
		LintSet(set.Runs)
	})
}
