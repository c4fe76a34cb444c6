package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/draw"
	"image/png"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/results"
)

// wholeRecord is a record with everything that a figure can show: trials, windows
// with histograms, a fingerprint, and the given summary.
func wholeRecord(t *testing.T, sum results.Summary) results.Record {
	t.Helper()
	env := machine()
	rec := results.Record{Env: &env, Summary: &sum}
	rec.Summary.Search = &results.Search{ConfirmTrials: []int{3, 4}, Bound: "system"}
	rec.Summary.Machine = &results.Machine{NodeCores: 2, HostCores: 2, SameHost: true, WholeHost: true}
	for i, r := range []struct {
		rate    float64
		verdict results.Verdict
		slow    int64
	}{{40_000, "good", 1}, {120_000, "bad", 90}, {92_400, "good", 4}, {92_400, "good", 5}, {94_000, "invalid", 9}} {
		rec.Trials = append(rec.Trials, oneTrial(i+1, r.rate, r.verdict, float64(r.slow)))
		for w := range 6 {
			rec.Windows = append(rec.Windows, oneWindow(t, i+1, w, r.rate, r.slow))
		}
	}
	rec.Summary.Trials = nil
	for _, tr := range rec.Trials {
		rec.Summary.Trials = append(rec.Summary.Trials, tr.Short())
	}
	return rec
}

func oneTrial(id int, rate float64, verdict results.Verdict, slow float64) results.Trial {
	n := int64(rate * 1.5)
	c := results.Counts{Offered: n, Sent: n, Accepted: n, Committed: n}
	return results.Trial{
		ID: id, Phase: results.PhaseExplore, Schedule: "poisson", StartedAt: time.Unix(1_790_000_000, 0).UTC(), OfferedTxPerSec: rate, DurationSec: 1.5,
		WindowSec: new(1.51), Counts: c, CommittedTxPerSec: new(rate * 0.99), Valid: verdict != "invalid", Verdict: verdict, Reason: "loss 0 %",
		LatencyMS: results.Latencies{Commit: results.Quantiles{P50: new(2 * slow), P99: new(20 * slow), Count: n}},
		Wire: &results.WireCounters{
			Source: results.WireEBPF, Exact: true,
			In:  results.WireDirection{Packets: new(n / 6), Bytes: new(n * 214), PayloadBytes: new(n * 205), BytesMTU1500: new(n * 216), PacketsMTU1500: new(n / 5), Retransmits: new(int64(3))},
			Out: results.WireDirection{Packets: new(n / 8), Bytes: new(n * 16), PayloadBytes: new(n * 6), BytesMTU1500: new(n * 16), PacketsMTU1500: new(n / 8)},
		},
		Node:          &results.NodeUsage{CPUUserNS: new(int64(rate * 1.2e4)), CPUSysNS: new(int64(rate * 2e3)), DiskBusyNS: new(int64(rate * 1e3))},
		Generator:     results.GeneratorUsage{CPUNS: new(int64(rate * 2e3))},
		HostCPUBusyNS: new(int64(rate * 2.1e4)),
	}
}

func oneWindow(t *testing.T, trial, index int, rate float64, slow int64) results.Window {
	t.Helper()
	n := int64(rate / 4)
	w := results.Window{TrialID: trial, Index: index, StartNS: int64(index) * 250e6, DurationNS: 250e6, Counts: results.Counts{Offered: n, Sent: n, Committed: n}}
	for k, l := range latencyStages {
		h := hdrhistogram.New(1, 60e6, 3)
		for v := range int64(400) {
			if err := h.RecordValue((v*v/40 + 50) * slow * int64(k+1)); err != nil {
				t.Fatal(err)
			}
		}
		e, err := results.EncodeHistogram(h, l.stage, 1000, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.Histograms = append(w.Histograms, e)
	}
	return w
}

func mustReport(t *testing.T, rec results.Record) HTML {
	t.Helper()
	h, err := Of(rec, Options{Raw: "./record.jsonl"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var drawings = regexp.MustCompile(`(?s)<svg .*?</svg>`)

// texts decodes a drawing strictly and returns what is written in it.
func texts(t *testing.T, svg string) (written []string, title string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(svg))
	in, depth := "", 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return written, title
		}
		if err != nil {
			t.Fatalf("not well-formed: %v in %.400s", err, svg)
		}
		switch v := tok.(type) {
		case xml.StartElement:
			in = v.Name.Local
			depth++
		case xml.EndElement:
			in = ""
			depth--
		case xml.CharData:
			switch {
			case in == "text":
				written = append(written, string(v))
			case in == "title" && depth == 2:
				title = string(v)
			}
		}
	}
}

// Every figure has a title, a unit and a label on both axes, in both sizes and in
// the exported file; and a table of its values.
func TestEveryFigureIsLabelled(t *testing.T) {
	sum := onLoopback()
	sum.Validation = []results.Validation{
		{Name: "02-half", PredictedTxPerSec: 5000, MeasuredTxPerSec: new(5100.0), Error: new(-0.02), Valid: true},
		{Name: "03-fifth", PredictedTxPerSec: 2000, MeasuredTxPerSec: new(1900.0), Error: new(0.05)},
	}
	sum.Demand.Models = []results.DemandModel{{Resource: "disk", SecPerTx: 1e-6, IdleSecPerSec: 0.01, WallTxPerSec: 1e6, WallLowTxPerSec: 8e5, WallHighTxPerSec: 2e6, Trials: 5, Extrapolation: 8}}
	h := mustReport(t, wholeRecord(t, sum))
	want := []string{
		"latency-throughput", "latency-cdf", "offered-sent-committed", "windows", "wire-bytes", "utilisation", "demand", "core-time", "models", "in-flight", "validation",
	}
	if len(h.Figures) != len(want) {
		t.Fatalf("%d figures, want %d", len(h.Figures), len(want))
	}
	unit := regexp.MustCompile(`\(.+\)$`)
	for i, f := range h.Figures {
		if f.ID != want[i] || f.Title == "" || f.About == "" || len(f.Table.Rows) == 0 {
			t.Errorf("figure %d is %q, want %q with title, text and table: %+v", i, f.ID, want[i], f.Table)
		}
		if !unit.MatchString(f.XLabel) || f.YLabel == "" {
			t.Errorf("%s: axes %q and %q, want a unit in brackets", f.ID, f.XLabel, f.YLabel)
		}
		for _, row := range f.Table.Rows {
			if len(row) != len(f.Table.Head) {
				t.Errorf("%s: a row of %d cells under %d heads: %q", f.ID, len(row), len(f.Table.Head), row)
			}
		}
		for _, svg := range append(drawings.FindAllString(string(f.inline()), -1), string(f.SVG())) {
			written, title := texts(t, svg)
			all := strings.Join(written, "\n")
			if title != f.Title || !strings.Contains(strings.Join(written, " "), f.Title) {
				t.Errorf("%s: titled %q, and %q is written", f.ID, title, written[:2])
			}
			for _, label := range []string{f.XLabel, f.YLabel} {
				if !strings.Contains(all, label) && !strings.Contains(all, label[:len(label)/2]) {
					t.Errorf("%s does not say %q: %q", f.ID, label, written)
				}
			}
		}
	}
}

// The page needs nothing else, is small, and is the same every time.
func TestPageStandsAlone(t *testing.T) {
	rec := wholeRecord(t, onLoopback())
	h := mustReport(t, rec)
	page := string(h.Page)
	if len(page) > 500_000 {
		t.Errorf("%d bytes, at most 500 000", len(page))
	}
	bare := strings.ReplaceAll(page, "http://www.w3.org/2000/svg", "")
	for _, no := range []string{"<script", "http:", "https:", "@import", "src=", "NaN", "Inf", "&lt;nil", "%!"} {
		if strings.Contains(bare, no) {
			t.Errorf("the page holds %q", no)
		}
	}
	if !bytes.Equal(h.Page, mustReport(t, rec).Page) {
		t.Error("the same record gave another page")
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if seen[m[1]] {
			t.Errorf("two elements are called %q", m[1])
		}
		seen[m[1]] = true
	}
	if n := len(regexp.MustCompile(`(?s)<ol class="method">.*</ol>`).FindString(page)); n == 0 || strings.Count(page, "<li>") < 10 {
		t.Error("the method is not there")
	}
	for _, want := range []string{`href="./record.jsonl"`, "92.4k – 94k", "prefers-color-scheme:dark", "@media print", "steal", "10 Gbit/s"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "INVALID") || !h.Valid {
		t.Error("a valid run is called invalid")
	}
}

// An invalid run is called that before anything else; so is a partial one.
func TestBanners(t *testing.T) {
	sum := onLoopback()
	sum.Valid, sum.Warnings = false, []string{"the generator was measured"}
	rec := wholeRecord(t, sum)
	h := mustReport(t, rec)
	body := string(h.Page[bytes.Index(h.Page, []byte("<main>")):])
	if h.Valid || !strings.HasPrefix(body, "<main>\n<section class=\"banner \" role=\"alert\">\n<strong>INVALID") || !strings.Contains(body, "the generator was measured") {
		t.Errorf("no banner: %.300s", body)
	}
	rec.Summary, rec.Notes = nil, []string{"record.jsonl:9: record is cut off"}
	h = mustReport(t, rec)
	page := string(h.Page)
	if h.Valid || !strings.Contains(page, "PARTIAL") || !strings.Contains(page, "record.jsonl:9") || strings.Contains(page, "confirmed 0") {
		t.Errorf("valid %v, no partial banner", h.Valid)
	}
	if len(h.Figures) < 4 {
		t.Errorf("%d figures of a partial record", len(h.Figures))
	}
	rec.Trials = nil
	if _, err := Of(rec, Options{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("a record without trials: %v", err)
	}
}

// With nothing measured no figure is made up, and nothing is drawn as 0.
func TestUnknownInAReport(t *testing.T) {
	env := results.Env{Class: results.EnvClass{OS: "linux", LogicalCores: 2}}
	sum := unknownRun()
	h := mustReport(t, results.Record{Env: &env, Summary: &sum})
	page := string(h.Page)
	for _, no := range []string{"NaN", "Inf", "&lt;nil", "%!", ">0 B<", "0.00"} {
		if strings.Contains(page, no) {
			t.Errorf("the page says %q: %.200s", no, page[strings.Index(page, no)-100:])
		}
	}
	if !strings.Contains(page, "unknown") {
		t.Error("nothing is called unknown")
	}
	for _, f := range h.Figures {
		if f.ID != "offered-sent-committed" {
			t.Errorf("figure %s was made from nothing", f.ID)
		}
	}
}

// What a record says is text, whatever it holds.
func TestHostileTexts(t *testing.T) {
	const evil = `</style></svg><script>alert(1)</script>"'><img src=x onerror=alert(2)>` + "\x00\x1b\ufffe\xff"
	sum := onLoopback()
	sum.Target, sum.Workload, sum.SLO, sum.Warnings = evil, evil, "p99<1s,"+evil, []string{evil}
	sum.Bottleneck, sum.Demand.Parts[0].Name, sum.Wire.Source, sum.PredictionsSHA256 = evil, evil, evil, evil
	sum.Demand.Parts[4].Name = evil
	sum.Validation = []results.Validation{{Name: evil, PredictedTxPerSec: 1, MeasuredTxPerSec: new(1.0), PredictedWall: evil}}
	rec := wholeRecord(t, sum)
	rec.Env.Class.CPUBrand, rec.Env.Warnings[0].Text = evil, evil
	rec.Trials[0].Reason, rec.Summary.Trials[0].Reason, rec.Summary.Trials[0].Phase = evil, evil, evil
	h, err := Of(rec, Options{Raw: `javascript:alert(1)//"><script>`})
	if err != nil {
		t.Fatal(err)
	}
	page := string(h.Page)
	for _, no := range []string{"<script", "<img", "onerror=alert(2)>", `href="javascript`, "\x00", "\x1b"} {
		if strings.Contains(page, no) {
			t.Errorf("%q got into the page", no)
		}
	}
	for _, svg := range drawings.FindAllString(page, -1) {
		texts(t, svg)
	}
	for _, f := range h.Figures {
		texts(t, string(f.SVG()))
	}
}

// Each figure is exported as PNG with something on it.
func TestPNG(t *testing.T) {
	h := mustReport(t, wholeRecord(t, behindALink()))
	for i := range h.Figures {
		f := &h.Figures[i]
		data, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", f.ID, err)
		}
		b := img.Bounds()
		if b.Dx() != 2*int(wide.w) || b.Dy() < 300 {
			t.Errorf("%s: %v", f.ID, b)
		}
		colours := map[[3]byte]int{}
		dots := image.NewRGBA(b)
		draw.Draw(dots, b, img, b.Min, draw.Src)
		for k := 0; k < len(dots.Pix); k += 4 {
			colours[[3]byte(dots.Pix[k:k+3])]++
		}
		white := colours[[3]byte{255, 255, 255}]
		if share := float64(white) / float64(b.Dx()*b.Dy()); share > 0.99 || share < 0.4 || len(colours) < 20 {
			t.Errorf("%s: %.0f %% is white, %d colours", f.ID, 100*share, len(colours))
		}
	}
}
