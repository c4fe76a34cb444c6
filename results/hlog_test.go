package results

import (
	"bytes"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

func reflectValue(v any) reflect.Value { return reflect.ValueOf(v) }

func TestHLogRoundTrip(t *testing.T) {
	rec := sampleRecord(t)
	second := sampleWindow(t)
	second.Index, second.StartNS = 1, 50e6
	rec.Windows = []Window{second, rec.Windows[0]} // the log is in the order of time
	var buf bytes.Buffer
	if err := WriteHLog(&buf, rec); err != nil {
		t.Fatal(err)
	}
	text := buf.String()
	list, err := ReadHLog(strings.NewReader(text), "x.hlog")
	if err != nil || len(list) != 2 {
		t.Fatalf("%d %v", len(list), err)
	}
	want, err := rec.Windows[0].Histograms[0].Decode()
	if err != nil {
		t.Fatal(err)
	}
	for i, iv := range list {
		if iv.Tag != "trial-1/commit" || iv.Length != 50*time.Millisecond || !iv.Start.Equal(sampleTime.Add(time.Duration(i)*50*time.Millisecond)) {
			t.Errorf("%d: %s %v %v", i, iv.Tag, iv.Start, iv.Length)
		}
		sameQuantiles(t, want, iv.Histogram, 1000)
	}
	if !strings.Contains(text, "4 samples below zero") {
		t.Errorf("negative samples are not mentioned:\n%.300s", text)
	}
	// The reader of the format's own library agrees.
	lib := hdrhistogram.NewHistogramLogReader(strings.NewReader(text))
	for i := range list {
		h, err := lib.NextIntervalHistogram()
		if err != nil || h == nil {
			t.Fatalf("the library's reader: %v %v", h, err)
		}
		if h.Tag() != list[i].Tag || h.TotalCount() != list[i].Histogram.TotalCount() || h.StartTimeMs() != list[i].Start.UnixMilli() {
			t.Errorf("the library reads %s %d %d", h.Tag(), h.TotalCount(), h.StartTimeMs())
		}
	}
	if h, err := lib.NextIntervalHistogram(); h != nil || err != nil {
		t.Errorf("one more: %v %v", h, err)
	}
}

// sameQuantiles holds got, in ns, against want, in units of unitNS: they may
// differ by a unit of the last of three digits.
func sameQuantiles(t interface{ Errorf(string, ...any) }, want, got *hdrhistogram.Histogram, unitNS int64) {
	if want.TotalCount() != got.TotalCount() {
		t.Errorf("%d samples, want %d", got.TotalCount(), want.TotalCount())
	}
	for _, q := range []float64{0, 50, 90, 99, 99.9, 100} {
		w, g := float64(want.ValueAtQuantile(q)*unitNS), float64(got.ValueAtQuantile(q))
		if math.Abs(g-w) > 0.002*w+float64(unitNS) {
			t.Errorf("p%g is %v ns, want %v", q, g, w)
		}
	}
}

func TestHLogKeepsQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := hdrhistogram.New(1, 60_000_000, 3)
		for _, v := range rapid.SliceOfN(rapid.Int64Range(0, 60_000_000), 1, 200).Draw(t, "values") {
			if err := h.RecordValue(v); err != nil {
				t.Fatal(err)
			}
		}
		enc, err := EncodeHistogram(h, "commit", 1000, 0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := enc.nanoseconds()
		if err != nil {
			t.Fatal(err)
		}
		sameQuantiles(t, h, got, 1000)
	})
}

// Logs of other programs: jHiccup's have relative and absolute times.
func TestHLogOfOthers(t *testing.T) {
	payload := hlogPayload(t)
	for _, tt := range []struct {
		name, text string
		start      float64
	}{
		{"absolute", "1441812279.474,1.0,2.7," + payload + "\n", 1441812279.474},
		{"base", "#[BaseTime: 1441812279.474 (seconds since epoch)]\n0.5,1.0,2.7," + payload, 1441812279.974},
		{"start", "#[StartTime: 1441812279.474 (seconds since epoch), Wed]\r\n\"StartTimestamp\",\"x\"\n0.5,1.0,2.7," + payload, 1441812279.974},
	} {
		list, err := ReadHLog(strings.NewReader(tt.text), "x")
		if err != nil || len(list) != 1 {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := float64(list[0].Start.UnixMilli()) / 1e3; got != tt.start || list[0].Tag != "" || list[0].Length != time.Second {
			t.Errorf("%s: %v %v", tt.name, got, list[0])
		}
	}
}

func hlogPayload(t testing.TB) string {
	t.Helper()
	h := hdrhistogram.New(1, 3_600_000_000_000, 3)
	if err := h.RecordValue(2_700_000); err != nil {
		t.Fatal(err)
	}
	b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHLogBadInput(t *testing.T) {
	payload := hlogPayload(t)
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", "x:1: bad histogram log: no histogram"},
		{"foreign", "n,x\n1,2\n", "x:1: bad histogram log: 2 fields"},
		{"time", "#c\nsoon,1,1," + payload, `x:2: bad histogram log: start "soon"`},
		{"NaN", "NaN,1,1," + payload, `start "NaN"`},
		{"length", "1,-1,1," + payload, `length "-1"`},
		{"payload", "1,1,1,HISTxx", "x:1: bad histogram log: histogram"},
		{"cut", "Tag=a,1,1,1," + payload[:len(payload)/2], "bad histogram"},
		{"tag only", "Tag=a", "nothing behind it"},
	} {
		if _, err := ReadHLog(strings.NewReader(tt.in), "x"); !errors.Is(err, ErrBadHLog) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func FuzzReadHLog(f *testing.F) {
	payload := hlogPayload(f)
	f.Add([]byte("#[StartTime: 1441812279.474 (seconds since epoch), Wed]\nTag=A,0.127,1.007,2.769," + payload + "\n"))
	f.Add([]byte("1e9,1,1," + payload))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ReadHLog(bytes.NewReader(data), "x")
		if err != nil && !errors.Is(err, ErrBadHLog) {
			t.Errorf("%v", err)
		}
		for _, iv := range list {
			if iv.Histogram == nil || iv.Length < 0 || iv.Start.Unix() < 0 {
				t.Errorf("%+v", iv)
			}
		}
	})
}

func TestHLogOfTestdata(t *testing.T) {
	f, err := os.Open("testdata/record.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := Read(f, "record.jsonl", false)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := WriteHLog(&buf, rec); err != nil {
		t.Fatal(err)
	}
	if list, err := ReadHLog(&buf, "x"); err != nil || len(list) != len(rec.Windows) {
		t.Errorf("%d of %d, %v", len(list), len(rec.Windows), err)
	}
}
