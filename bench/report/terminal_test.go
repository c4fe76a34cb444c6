package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/chainweir/weir/results"
)

var update = flag.Bool("update", false, "write the golden files")

func inOut(in, out float64) results.InOut { return results.InOut{In: &in, Out: &out} }

func machine() results.Env {
	return results.Env{
		Class: results.EnvClass{
			OS: "linux", Arch: "amd64", CPUBrand: "AMD EPYC 9555 64-Core Processor", LogicalCores: 2, UsableCores: 2,
			CPUFeatures: []string{"AVX2", "AVX512F", "SHA"}, Kernel: "6.18.0",
		},
		Detail:   results.EnvDetail{FsyncMedianNS: new(int64(150_000))},
		Warnings: []results.EnvWarning{{Code: "steal", Text: "3.1 % of the processor's time since boot went to other guests of the host", Remedy: "use a dedicated machine"}},
	}
}

// onLoopback is a run with a processor as its wall.
func onLoopback() results.Summary {
	return results.Summary{
		Valid: true, Warnings: []string{"loopback is a memory copy with an MTU of 65536: plan with the MTU-1500 equivalent"},
		Host: "box", Record: "weir-runs/2026-11-21T005100Z-box", Workload: "transfer", Engine: "solo", Nodes: 1, Seed: 42,
		Placement: "node and generator share 2 cores, no pinning", SLO: "p99<1s,loss<0.1%",
		Kernels: []results.Kernel{{Name: "sha256_pairs", Impl: "avx512"}, {Name: "sha256_many", Impl: "avx512"}, {Name: "blake3", Impl: "avx512"}},
		Knee: results.Knee{
			LowerTxPerSec: new(92400.0), UpperTxPerSec: new(94000.0), Confirmed: true, Confirmations: 3, ConfirmationsWanted: 3,
			LatencyAt: []results.LatencyAt{{Fraction: 0.9, P50: new(7.5), P99: new(31.0)}, {Fraction: 0.5, P50: new(4.0), P99: new(9.25)}},
		},
		LatencyMS: results.SummaryLatency{Commit: results.Percentiles{P50: new(8.0), P99: new(41.0), P999: new(60.0)}},
		Wire: results.SummaryWire{
			Source: results.WireEBPF, Exact: true, BytesPerTx: inOut(201.4, 1.88), BytesPerTxMTU1500: inOut(210.2, 1.88),
			Amplification: new(1.016), TxBytes: new(200.0),
		},
		Link: results.Link{Kind: results.LinkLoopback, CapacityBitsPerSec: inOut(51.2e9, 48.7e9), Utilisation: new(0.003), Direction: "in"},
		Demand: results.Demand{
			CPU: new(7.4e-6), HostCPU: new(10.6e-6), Wire: new(31e-9), Generator: new(1.6e-6), Serial: new(2e-6),
			DemandDetail: results.DemandDetail{SerialStage: "execute", Profile: &results.CPUProfile{Path: "cpu.pprof", Hz: 100, Samples: 1420, Coverage: 0.98}, Parts: []results.DemandPart{
				{Resource: "cpu", Name: "signatures", SecPerTx: 5.9e-6, Share: 0.8}, {Resource: "cpu", Name: "kernel tcp", SecPerTx: 0.74e-6, Share: 0.1},
				{Resource: "cpu", Name: "state", SecPerTx: 0.6e-6, Share: 0.085}, {Resource: "cpu", Name: "gc", SecPerTx: 0.1e-6, Share: 0.015},
				{Resource: "host_cpu", Name: "signatures", SecPerTx: 5.9e-6, Share: 0.56}, {Resource: "host_cpu", Name: "generator", SecPerTx: 1.6e-6, Share: 0.15},
				{Resource: "host_cpu", Name: "rest of the machine", SecPerTx: 1.6e-6, Share: 0.15}, {Resource: "host_cpu", Name: "kernel tcp", SecPerTx: 0.74e-6, Share: 0.07},
				{Resource: "host_cpu", Name: "state", SecPerTx: 0.6e-6, Share: 0.06}, {Resource: "host_cpu", Name: "gc", SecPerTx: 0.1e-6, Share: 0.01},
			}},
		},
		Utilisation: results.Utilisation{CPU: new(0.68), HostCPU: new(0.98), Generator: new(0.09), Wire: new(0.003)},
		Bottleneck:  results.WallCPU, NextWall: &results.Wall{Name: results.WallDisk, TxPerSec: 610_000},
		OnANetwork: []results.NetworkPrediction{
			{LinkBitsPerSec: 1e8, TxPerSec: new(57_300.0), Wall: results.WallWire}, {LinkBitsPerSec: 1e9, TxPerSec: new(94_300.0), Wall: results.WallCPU},
			{LinkBitsPerSec: 1e10, TxPerSec: new(94_300.0), Wall: results.WallCPU},
		},
		Trials: []results.TrialShort{
			{ID: 1, Phase: results.PhaseExplore, OfferedTxPerSec: 40_000, CommittedTxPerSec: new(39_950.0), CommitP50MS: new(6.1), CommitP99MS: new(11.0), Verdict: results.VerdictGood},
			{ID: 2, Phase: results.PhaseExplore, OfferedTxPerSec: 120_000, CommittedTxPerSec: new(93_100.0), CommitP50MS: new(880.0), CommitP99MS: new(1610.0), Verdict: "bad",
				Reason: "commit p99 1.61 s is over 1 s; the backlog grows by 2.9k tx/s, that is 2.4 % of the rate, its limit is 1 %"},
		},
	}
}

// behindALink is a run over a shaped link, with the wire as its wall.
func behindALink() results.Summary {
	s := onLoopback()
	s.Warnings = nil
	s.Link = results.Link{Kind: results.LinkShaped, CapacityBitsPerSec: inOut(19.98e6, 19.97e6), NominalBitsPerSec: new(20e6), Utilisation: new(0.974), Direction: "in"}
	s.Wire.BytesPerTx, s.Wire.Source, s.Wire.Exact = inOut(213.5, 16.5), results.WireSockDiag, false
	s.Bottleneck, s.Utilisation.Wire, s.Demand.Wire = results.WallWire, new(0.974), new(85.5e-6)
	s.Knee.LowerTxPerSec, s.Knee.UpperTxPerSec = new(11_500.0), new(12_300.0)
	s.NextWall = &results.Wall{Name: results.WallCPU, TxPerSec: 65_400}
	s.Demand.Models = []results.DemandModel{{
		Resource: "cpu", WallTxPerSec: 65_400.000001, WallLowTxPerSec: 61_000, WallHighTxPerSec: 70_200, Trials: 14, Extrapolation: 5.5,
	}}
	return s
}

// unknownRun is a run in which nothing could be measured.
func unknownRun() results.Summary {
	return results.Summary{
		Warnings: []string{"inconclusive: one of the bounds was not found"},
		Record:   "weir-runs/x", Workload: "transfer", Placement: "same host", SLO: "p99<1s",
		Link:       results.Link{CapacityBitsPerSec: results.InOut{In: new(20e6)}},
		Wire:       results.SummaryWire{Source: results.WireApp},
		Knee:       results.Knee{LowerTxPerSec: new(1000.0), ConfirmationsWanted: 3, LatencyAt: []results.LatencyAt{{Fraction: 0.5}}},
		Trials:     []results.TrialShort{{ID: 1, Phase: results.PhaseExplore, OfferedTxPerSec: 1000, Verdict: results.VerdictGood}},
		OnANetwork: []results.NetworkPrediction{{LinkBitsPerSec: 1e8}},
	}
}

func render(t *testing.T, env results.Env, sum results.Summary) string {
	t.Helper()
	var b bytes.Buffer
	if err := Terminal(&b, env, sum); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(b.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > width {
			t.Errorf("line %d has %d columns: %s", i+1, n, line)
		}
	}
	return b.String()
}

func TestTerminalGolden(t *testing.T) {
	for _, c := range []struct {
		name string
		env  results.Env
		sum  results.Summary
	}{
		{"loopback", machine(), onLoopback()},
		{"link", machine(), behindALink()},
		{"unknown", results.Env{Class: results.EnvClass{OS: "linux", LogicalCores: 2}}, unknownRun()},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := render(t, c.env, c.sum)
			path := filepath.Join("testdata", c.name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("the screen changed (-want +got):\n%s", d)
			}
		})
	}
}

// TestUnknownIsNeverZero: with nothing measured, no figure is made up.
func TestUnknownIsNeverZero(t *testing.T) {
	got := render(t, results.Env{Class: results.EnvClass{OS: "linux", LogicalCores: 2}}, unknownRun())
	for _, want := range []string{"first wall   unknown", "out unknown", "in unknown/tx", "link unknown", "unknown tx/s", "INVALID"} {
		if !strings.Contains(got, want) {
			t.Errorf("the screen does not say %q:\n%s", want, got)
		}
	}
	for _, zero := range []string{"0.00", " 0 B", "0 ms", "0 tx/s ·\n", " 0%", "NaN", "Inf", "nil"} {
		if strings.Contains(got, zero) {
			t.Errorf("the screen says %q:\n%s", zero, got)
		}
	}
	for text, got := range map[string]string{
		"rate": rateOr(nil), "bytes": bytesOr(nil), "per tx": perTx(nil), "bits": bitsOr(nil), "latency": ms(nil), "share": percent(nil),
	} {
		if got != unknown && got != "-" {
			t.Errorf("an unknown %s is shown as %q", text, got)
		}
	}
}

// TestTerminalFitsWithLongTexts: 80 columns whatever the record says.
func TestTerminalFitsWithLongTexts(t *testing.T) {
	s := onLoopback()
	s.Target = results.NullString("[2001:db8:85a3:8d3:1319:8a2e:370:7348]:7151")
	s.Seed = 1<<64 - 1
	s.Warnings = append(s.Warnings, strings.Repeat("a long story ", 40))
	s.Trials[1].ID, s.Trials[1].OfferedTxPerSec = 123, 1.234567e9
	s.Trials[1].CommitP50MS, s.Trials[1].CommitP99MS = new(123456.0), new(1234567.0)
	render(t, machine(), s)
}

type failingWriter struct{ left int }

var errFull = errors.New("no room")

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestTerminalReportsAFailedWrite(t *testing.T) {
	for left := range 5 {
		if err := Terminal(&failingWriter{left}, machine(), onLoopback()); !errors.Is(err, errFull) {
			t.Errorf("after %d writes: %v", left, err)
		}
	}
}
