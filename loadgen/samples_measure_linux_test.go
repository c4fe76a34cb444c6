//go:build measure && linux

package loadgen

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/results"
)

// manySamples are recorded by four connections over a minute.
const (
	manySamples  = 10_000_000
	manyTallies  = 4
	manyWindowNS = int64(1e9)
	manyTotalNS  = int64(60e9)
	manyEnv      = "WEIR_MANY_SAMPLES" // set in the child
)

// manyAnswer is what the child found, so that a fast wrong one does not count.
type manyAnswer struct {
	Elapsed  time.Duration     `json:"elapsed_ns"`
	Written  results.Quantiles `json:"written"`
	ReadBack results.Quantiles `json:"read_back"`
}

// TestMeasuredManySamples: ten million latencies are recorded as a run records
// them, merged over windows and connections, written as a record, read again and
// reported, in less than 2 s and 100 MB. Time is that of the work, memory the
// most that a process holds which does nothing else.
func TestMeasuredManySamples(t *testing.T) {
	if dir := os.Getenv(manyEnv); dir != "" {
		manyChild(t, filepath.Join(dir, "answer.json"), filepath.Join(dir, "record.jsonl"))
		return
	}
	const rounds = 5
	var seconds, megabytes, processor []float64
	for range rounds {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestMeasuredManySamples$", "-test.count=1")
		cmd.Env = append(os.Environ(), manyEnv+"="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		b, err := os.ReadFile(filepath.Join(dir, "answer.json"))
		if err != nil {
			t.Fatal(err)
		}
		var a manyAnswer
		if err := json.Unmarshal(b, &a); err != nil {
			t.Fatal(err)
		}
		verifyMany(t, a)
		use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			t.Fatal("no usage of the child")
		}
		seconds = append(seconds, a.Elapsed.Seconds())
		megabytes = append(megabytes, float64(use.Maxrss)*1024/1e6)
		processor = append(processor, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	}
	for _, list := range [][]float64{seconds, megabytes, processor} {
		slices.Sort(list)
	}
	text := func(list []float64, unit string) string {
		return fmt.Sprintf("%.2f %s [%.2f, %.2f]", list[rounds/2], unit, list[0], list[rounds-1])
	}
	row(t, "10 M latencies recorded, merged, written, reported", "< 2 s", text(seconds, "s"), seconds[rounds/2] < 2)
	row(t, "… memory of the process, at most", "< 100 MB", text(megabytes, "MB"), megabytes[rounds-1] < 100)
	fmt.Printf("processor time of the whole process: %s\n", text(processor, "s"))
}

// manyLatency is sample i: every whole µs from 1 to 100 000 equally often.
func manyLatency(i int) int64 { return (int64(i)*7919%100_000 + 1) * 1000 }

func verifyMany(t *testing.T, a manyAnswer) {
	t.Helper()
	for name, q := range map[string]results.Quantiles{"written": a.Written, "read back": a.ReadBack} {
		if q.Count != manySamples || q.P50 == nil || q.P99 == nil || q.Max == nil {
			t.Fatalf("%s: %+v", name, q)
		}
		for _, c := range []struct{ got, want float64 }{{*q.P50, 50}, {*q.P90, 90}, {*q.P99, 99}, {*q.P999, 99.9}, {*q.Max, 100}} {
			if c.got < c.want*0.9995 || c.got > c.want*1.0015 { // three digits
				t.Errorf("%s: %v ms, want %v", name, c.got, c.want)
			}
		}
	}
}

func manyChild(t *testing.T, answer, record string) {
	start := time.Now()
	name := func(uint8) string { return "" }
	all := make([]*tally, manyTallies)
	for i := range all {
		all[i] = newTally(manyWindowNS, manyTotalNS, name)
	}
	for i := range manySamples {
		ta := all[i%manyTallies]
		ta.mu.Lock() // as for every answer
		ta.record(ta.at(int64(i)*(manyTotalNS/manySamples)), stageCommit, manyLatency(i))
		ta.mu.Unlock()
	}
	l := gather(newTally(manyWindowNS, manyTotalNS, name), all)
	w, err := results.Create(record)
	if err != nil {
		t.Fatal(err)
	}
	var none [numStages]int64
	for i := range int(manyTotalNS / manyWindowNS) {
		hs, err := l.window(i, &none)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(results.Window{TrialID: 1, Index: i, StartNS: int64(i) * manyWindowNS, DurationNS: manyWindowNS, Histograms: hs}); err != nil {
			t.Fatal(err)
		}
	}
	a := manyAnswer{Written: results.QuantilesMS(l.whole(stageCommit), unitNS, 0)}
	if err := w.WriteSummary(&results.Summary{Workload: "samples"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rec, err := results.ReadFile(record, false)
	if err != nil {
		t.Fatal(err)
	}
	whole := hdrhistogram.New(1, manyTotalNS/unitNS, hdrDigits)
	for _, win := range rec.Windows {
		for _, h := range win.Histograms {
			one, err := h.Decode()
			if err != nil {
				t.Fatal(err)
			}
			if lost := whole.Merge(one); lost != 0 {
				t.Fatalf("%d samples lost", lost)
			}
		}
	}
	a.ReadBack = results.QuantilesMS(whole, unitNS, 0)
	a.Elapsed = time.Since(start)
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(answer, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
