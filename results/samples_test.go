package results

import (
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

var sampleTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func sampleQuantiles(count int64) Quantiles {
	return Quantiles{P50: new(6.1), P90: new(8.0), P99: new(11.0), P999: new(14.5), Max: new(20.25), Count: count, Negative: 2}
}

func sampleCounts() Counts {
	return Counts{
		Offered: 1000, Sent: 990, Dropped: 10, Accepted: 980, Committed: 970,
		Rejected: Rejections{"exec:insufficient_funds": 9, "busy": 3}, Expired: 5, Lost: 3,
	}
}

func sampleTrial() Trial {
	return Trial{
		Schema: SchemaRun, Type: TypeTrial,
		ID: 1, Phase: PhaseExplore, Seed: 1<<63 + 42, Schedule: "poisson", StartedAt: sampleTime,
		OfferedTxPerSec: 20000, DurationSec: 0.05,
		Counts: sampleCounts(), DroppedBy: DropSplit{Generator: 6, Backpressure: 4}, Fidelity: new(0.99),
		LatencyMS: Latencies{
			Submit: sampleQuantiles(980), Accept: sampleQuantiles(970),
			Commit: sampleQuantiles(960), CommitFromSend: sampleQuantiles(960),
		},
		BacklogSlopeTxPerSec2: new(-1.5), CommittedTxPerSec: new(19400.0),
		Wire: &WireCounters{
			Source: WireEBPF, Exact: true,
			In:         WireDirection{Packets: new(int64(40)), Bytes: new(int64(229000)), PayloadBytes: new(int64(226000)), Retransmits: new(int64(0))},
			Out:        WireDirection{Packets: new(int64(44)), Bytes: new(int64(37000)), BytesMTU1500: new(int64(38000)), PacketsMTU1500: new(int64(50))},
			LostEvents: new(int64(0)),
		},
		Node: &NodeUsage{
			CPUUserNS: new(int64(30e6)), CPUSysNS: new(int64(7e6)),
			Stages:     []Stage{{Name: "verify", Workers: 2, BusyNS: 20e6, WaitNS: 3e6, Items: 990}},
			DiskBusyNS: new(int64(2e6)), Fsyncs: new(int64(3)), Blocks: new(int64(3)), Bytes: new(int64(194000)),
		},
		Generator:     GeneratorUsage{CPUNS: new(int64(9e6)), GCPauseNS: new(int64(1000)), LagP99NS: new(int64(-20)), WriteBlockedNS: new(int64(0))},
		HostCPUBusyNS: new(int64(60e6)),
		Valid:         true, Verdict: VerdictGood, Reason: "loss, latency and backlog hold",
	}
}

func sampleWindow(t testing.TB) Window {
	t.Helper()
	h := hdrhistogram.New(1, 60_000_000, 3)
	for i := range int64(900) {
		if err := h.RecordValue(5000 + i*7); err != nil {
			t.Fatal(err)
		}
	}
	enc, err := EncodeHistogram(h, "commit", 1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	return Window{
		Schema: SchemaRun, Type: TypeWindow,
		TrialID: 1, Index: 0, StartNS: 0, DurationNS: 50e6, Counts: sampleCounts(), Histograms: []Histogram{enc},
	}
}

func sampleEnv() Env {
	return Env{
		Schema: SchemaRun, Type: TypeEnv,
		Class: EnvClass{
			OS: "linux", Arch: "amd64", CPUVendor: "AMD", CPUBrand: "AMD EPYC 9555", CPUFamily: new(int64(26)),
			CPUModel: new(int64(2)), CPUStepping: new(int64(1)), CPUFeatures: []string{"AVX512F", "SHA"},
			LogicalCores: 2, UsableCores: 1.5, MemoryBytes: new(int64(1 << 34)), Kernel: "6.18.0", Virtualisation: "kvm",
			GoVersion: "go1.26.8",
			Disk:      &EnvDisk{Device: "vda", FS: "ext4", MountOptions: "rw,relatime", Scheduler: "none", Rotational: new(false)},
			NIC:       &EnvNIC{Name: "eth0", Driver: "virtio_net", MTUBytes: new(int64(1500))},
		},
		Detail: EnvDetail{
			HostHash: "0123456789abcdef", VCSRevision: "abc", VCSModified: new(true), CPUSet: "0-1", LoadAverage1: new(0.25),
			StealFraction: new(0.0), FsyncMedianNS: new(int64(150_000)), FsyncMaxNS: new(int64(900_000)),
		},
		Warnings: []EnvWarning{{Code: "few_cores", Text: "2 cores", Remedy: "use a larger machine"}},
	}
}

func sampleSummary() Summary {
	inOut := func(in, out float64) InOut { return InOut{In: &in, Out: &out} }
	return Summary{
		Schema: SchemaRun, Type: TypeSummary,
		Valid: true, Warnings: []string{"governor unknown"}, StartedAt: sampleTime, DurationSec: new(60.5), Host: "box", Record: "weir-runs/x",
		Workload: "transfer", Engine: "solo", Nodes: 1, Seed: 42, Placement: "same-host", SLO: "p99<2s,loss<0.1%",
		Kernels: []Kernel{{Name: "sha256_pairs", Impl: "avx512", NSPerOp: new(12.4)}},
		Knee: Knee{
			LowerTxPerSec: new(92400.0), UpperTxPerSec: new(94000.0), Confirmed: true, Confirmations: 3, ConfirmationsWanted: 3,
			LatencyAt: []LatencyAt{{Fraction: 0.5, P50: new(4.0), P99: new(9.0)}},
		},
		LatencyMS: SummaryLatency{
			Accept: Percentiles{P50: new(1.0), P99: new(3.0), P999: new(5.0)},
			Commit: Percentiles{P50: new(8.0), P99: new(41.0), P999: new(60.0)},
		},
		Wire: SummaryWire{
			Source: WireEBPF, Exact: true, BytesPerTx: inOut(231, 38), BytesPerTxMTU1500: inOut(241, 40),
			PacketsPerTx: inOut(0.2, 0.1), Amplification: new(1.345), TxBytes: new(200.0),
		},
		Link: Link{
			Kind: LinkLoopback, CapacityBitsPerSec: inOut(51.2e9, 51.2e9), Utilisation: new(0.003), Direction: "in", MTUBytes: new(int64(65536)),
		},
		Demand:      Demand{CPU: new(10.6e-6), Wire: new(36e-9)},
		Utilisation: Utilisation{CPU: new(0.98), Wire: new(0.003)},
		Bottleneck:  WallCPU, NextWall: &Wall{Name: WallDisk, TxPerSec: 610000},
		NodeAloneBoundTxPerSec: new(120000.0),
		OnANetwork:             []NetworkPrediction{{LinkBitsPerSec: 1e8, TxPerSec: new(48000.0), Wall: WallWire}},
		Stages:                 []Stage{{Name: "verify", Workers: 2, BusyNS: 5, WaitNS: 6, Items: 7}},
		Trials:                 []TrialShort{sampleTrial().Short()},
	}
}

func sampleLines(t testing.TB) []Line {
	t.Helper()
	return []Line{sampleEnv(), sampleWindow(t), sampleTrial(), sampleSummary()}
}
