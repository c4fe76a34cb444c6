package plan

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/bench/capacity"
	"github.com/chainweir/weir/results"
)

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*math.Abs(b) }

var known = capacity.Known

// record makes one of a node on so many cores: 20 µs of core time, 1 µs of a
// serial stage and of the disk, 200 bytes in, 4 out.
func record(cores, txBytes, cpuCoreSec float64) Source {
	i64 := func(v int64) *int64 { return &v }
	knee := 0.97 * cores / cpuCoreSec
	sum := &results.Summary{
		Valid: true, Nodes: 1, Bottleneck: results.WallCPU,
		Knee:    results.Knee{LowerTxPerSec: known(knee * .99), UpperTxPerSec: known(knee / .99), Confirmed: true},
		Machine: &results.Machine{NodeCores: cores, HostCores: cores},
		Demand: results.Demand{
			CPU: known(cpuCoreSec / cores), Serial: known(1e-6), Disk: known(1e-6),
			DemandDetail: results.DemandDetail{
				Parts: []results.DemandPart{
					{Resource: "cpu", Name: "signatures", Share: .8, Source: results.SourceProfile},
					{Resource: "cpu", Name: "hashing", Share: .1, Source: results.SourceProfile},
					{Resource: "cpu", Name: "kernel tcp", Share: .1, Source: results.SourceProfile},
					{Resource: "host_cpu", Name: "hashing", Share: .05, Source: results.SourceProfile},
				},
				Profile: &results.CPUProfile{Samples: 1000},
			},
		},
	}
	sum.Wire.TxBytes = known(txBytes)
	sum.Link.Kind = results.LinkLoopback
	trial := results.Trial{Valid: true, Verdict: results.VerdictGood, CommittedTxPerSec: known(knee), Wire: &results.WireCounters{}}
	trial.Counts.Committed = 1000
	trial.Wire.In.PayloadBytes, trial.Wire.Out.PayloadBytes = i64(int64(1000*txBytes)), i64(4000)
	return Source{Name: "rec", Record: results.Record{Env: &results.Env{}, Trials: []results.Trial{trial}, Summary: sum}}
}

func mustMake(t *testing.T, q Question, s ...Source) *Plan {
	t.Helper()
	p, err := Make(s, q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOneNode(t *testing.T) {
	p := mustMake(t, Question{LinkBits: 1e9, Headroom: .2, RateTxPerSec: 79_000}, record(2, 200, 20e-6))
	if !near(p.BoundTx, 100e3, 1e-9) || !near(p.MaxTx, 80e3, 1e-9) || p.First.Name != capacity.CPU || !*p.Feasible {
		t.Errorf("%+v", p)
	}
	// 200 bytes of payload in full frames, and an acknowledgement for two frames
	// of the 4 bytes that go the other way.
	wire := 1e9 / 8 / (200*1538./1448 + 4./1448/2*90)
	if p.Next == nil || p.Next.Resource != "wire_in" || !near(p.Next.TxPerSec, wire, 1e-9) {
		t.Errorf("next %+v, want wire_in at %v", p.Next, wire)
	}
	if p.Extrapolated || p.FitError == nil || !near(*p.FitError, 1/.97-1, 1e-9) {
		t.Errorf("stamps %v, fit error %v", p.Extrapolations, p.FitError)
	}
	for _, d := range p.Demand {
		if !near(d.Utilisation, 79_000*d.SecPerTx, 1e-12) || !near(d.WallTx, 1/d.SecPerTx, 1e-12) {
			t.Errorf("%+v", d)
		}
	}
	if p := mustMake(t, Question{LinkBits: 1e9, Headroom: .2, RateTxPerSec: 81_000}, record(2, 200, 20e-6)); *p.Feasible {
		t.Error("81k is above 80k")
	}
}

// TestGoodput94: full frames carry 94.1 % of a link's nominal rate as payload.
func TestGoodput94(t *testing.T) {
	p := mustMake(t, Question{LinkBits: 10e6}, record(2, 200, 20e-6))
	if got := p.BoundTx * 200 * 8 / 10e6; p.First.Name != capacity.Wire || !near(got, .941, 2e-3) {
		t.Errorf("%v of the link at wall %+v", got, p.First)
	}
}

func TestSingleLeader(t *testing.T) {
	q := Question{LinkBits: 1e9, TxBytes: 500, Nodes: 100, Cores: 1000}
	p := mustMake(t, q, record(2, 500, 20e-6))
	if p.DisseminationCeiling == nil || math.Round(*p.DisseminationCeiling) != 2525 {
		t.Errorf("ceiling %v, want 2 525", p.DisseminationCeiling)
	}
	// What the cable carries is below the ceiling by headers, answers and
	// acknowledgements.
	if p.First.Role != roleLeader || p.First.Resource != "wire_out" || p.BoundTx > 2525 || p.BoundTx < 2525*.92 {
		t.Errorf("first wall %+v", p.First)
	}
	if !p.Extrapolated {
		t.Error("100 nodes from a record of one are extrapolated")
	}
	if c := p.CheapestChange; c == nil || c.Setting != "dissemination" || c.MaxTx < 10*p.MaxTx {
		t.Errorf("cheapest change %+v", c)
	}
	q.Dissemination = EveryNode
	every := mustMake(t, q, record(2, 500, 20e-6))
	// In and out of each node: all transactions once, less its own.
	if every.First.Name != capacity.Wire || !near(every.BoundTx, 1e9/8/(500*1538./1448), .05) {
		t.Errorf("every node: %+v", every.First)
	}
}

// TestSendingCosts: the leader pays for what it sends with the processor time that
// a received byte costs.
func TestSendingCosts(t *testing.T) {
	p := mustMake(t, Question{Nodes: 5}, record(2, 200, 20e-6))
	// A tenth of 20 µs for 200 bytes; 800 bytes to the others are 8 µs more.
	for _, d := range p.Demand {
		want := map[string]float64{roleLeader: 14e-6, roleFollower: 10e-6}[d.Role]
		if d.Resource == "cpu" && !near(d.SecPerTx, want, 1e-9) {
			t.Errorf("%+v, want %v", d, want)
		}
	}
	if !slices.ContainsFunc(p.Warnings, func(s string) bool { return strings.Contains(s, "--link") }) {
		t.Errorf("no link on loopback: %q", p.Warnings)
	}
}

func TestSizeWithoutMeasurement(t *testing.T) {
	cpu := func(p *Plan) float64 {
		i := slices.IndexFunc(p.Demand, func(d Demand) bool { return d.Resource == "cpu" })
		return p.Demand[i].SecPerTx
	}
	// A fifth of the work handles bytes.
	if got := cpu(mustMake(t, Question{TxBytes: 400}, record(2, 200, 20e-6))); !near(got, 12e-6, 1e-9) {
		t.Errorf("twice the size: %v", got)
	}
	if got := cpu(mustMake(t, Question{TxBytes: 100}, record(2, 200, 20e-6))); !near(got, 10e-6, 1e-9) {
		t.Errorf("half the size: %v, want as measured", got)
	}
	p := mustMake(t, Question{TxBytes: 1000}, record(2, 200, 20e-6))
	if !p.Extrapolated || !strings.Contains(strings.Join(p.Extrapolations, "\n"), "1000 bytes") {
		t.Errorf("five times the size: %q", p.Extrapolations)
	}
}

// TestSeveralRecords: sizes and cores that were measured are fitted.
func TestSeveralRecords(t *testing.T) {
	sec := func(bytes, cores float64) float64 { return 10e-6 + 20e-9*bytes + .5e-6*(cores-1) }
	var all []Source
	for _, c := range []float64{1, 2, 4} {
		for _, s := range []float64{200, 1000} {
			all = append(all, record(c, s, sec(s, c)))
		}
	}
	p := mustMake(t, Question{TxBytes: 600, Cores: 8}, all...)
	if !near(p.BoundTx, 8/sec(600, 8), 1e-6) || p.Extrapolated {
		t.Errorf("bound %v, want %v; %q", p.BoundTx, 8/sec(600, 8), p.Extrapolations)
	}
	if len(p.Fit) != len(all) || *p.FitError > .04 {
		t.Errorf("fit %+v", p.Fit)
	}
	// With contention some rates are out of reach of any number of cores.
	p = mustMake(t, Question{TxBytes: 600, Cores: 8, RateTxPerSec: 5e6}, all...)
	if *p.Feasible || len(p.Changes) == 0 || len(p.Changes) > maxChanges {
		t.Errorf("%+v", p.Changes)
	}
}

func TestChangesReachTheRate(t *testing.T) {
	q := Question{LinkBits: 100e6, Headroom: .2, RateTxPerSec: 300_000}
	p := mustMake(t, q, record(2, 200, 20e-6))
	last := p.Changes[len(p.Changes)-1]
	if *p.Feasible || len(p.Changes) != 2 || last.Feasible == nil || !*last.Feasible {
		t.Fatalf("%+v", p.Changes)
	}
	link, cores := p.Changes[0], p.Changes[1]
	if link.Setting != "link" || link.To != 1e9 || cores.Setting != "cores" || cores.To != 8 {
		t.Errorf("%+v", p.Changes)
	}
	// Each step is the smallest: what is asked for holds with it and not below.
	q.LinkBits, q.Cores = 1e9, 8
	if p := mustMake(t, q, record(2, 200, 20e-6)); !*p.Feasible {
		t.Error("after the changes it should be carried")
	}
	q.Cores = 7
	if p := mustMake(t, q, record(2, 200, 20e-6)); *p.Feasible {
		t.Error("a core fewer should not do")
	}
	// A slow disk is a wall of another kind.
	q.RateTxPerSec, q.Cores, q.LinkBits = 1.2e6, 64, 10e9
	p = mustMake(t, q, record(2, 200, 20e-6))
	if got := []string{p.Changes[0].Setting, p.Changes[1].Setting}; !slices.Contains(got, "disk_speed") || !slices.Contains(got, "core_speed") {
		t.Errorf("%+v", p.Changes)
	}
}

func TestHashROI(t *testing.T) {
	p := mustMake(t, Question{}, record(2, 200, 20e-6))
	r := p.HashROI
	if r == nil || r.Share != .1 || !r.CPUWall || r.Samples != 1000 {
		t.Fatalf("%+v", r)
	}
	for _, row := range r.Rows {
		left := .9
		if row.Speedup != nil {
			left += .1 / *row.Speedup
		}
		if !near(row.Gain, 1/left-1, 1e-9) || !(row.GainCI95[0] < row.Gain && row.Gain < row.GainCI95[1]) {
			t.Errorf("%+v, want %v", row, 1/left-1)
		}
	}
	// Wilson for 100 of 1000.
	if !near(r.ShareCI95[0], .0829, 1e-2) || !near(r.ShareCI95[1], .1201, 1e-2) {
		t.Errorf("interval of the share %v", r.ShareCI95)
	}
	// Where the wire is the wall nothing is gained.
	p = mustMake(t, Question{LinkBits: 10e6}, record(2, 200, 20e-6))
	for _, row := range p.HashROI.Rows {
		if row.Gain != 0 || p.HashROI.CPUWall {
			t.Errorf("%+v", row)
		}
	}
	// A gain ends at the next wall.
	p = mustMake(t, Question{Faster: map[string]float64{"signatures": 1e9}, Cores: 16}, record(2, 200, 20e-6))
	if !near(p.BoundTx, 1e6, 1e-9) {
		t.Errorf("bound %v, want that of the serial stage", p.BoundTx)
	}
	bare := record(2, 200, 20e-6)
	bare.Record.Summary.Demand.Parts = nil
	if p = mustMake(t, Question{}, bare); p.HashROI != nil || !strings.Contains(strings.Join(p.Warnings, "\n"), "profile") {
		t.Errorf("without a profile: %+v %q", p.HashROI, p.Warnings)
	}
}

func TestRefusals(t *testing.T) {
	with := func(change func(*Source)) Source {
		s := record(2, 200, 20e-6)
		change(&s)
		return s
	}
	invalid := with(func(s *Source) { s.Record.Summary.Valid = false; s.Record.Summary.Warnings = []string{"noise"} })
	other := with(func(s *Source) { s.Record.Env = &results.Env{Class: results.EnvClass{CPUBrand: "Other"}} })
	good := record(2, 200, 20e-6)
	for name, c := range map[string]struct {
		s    []Source
		q    Question
		want error
		text string
	}{
		"nothing":        {nil, Question{}, ErrQuestion, "at least one"},
		"interrupted":    {[]Source{with(func(s *Source) { s.Record.Summary = nil })}, Question{}, ErrUnknown, "interrupted"},
		"invalid":        {[]Source{invalid}, Question{}, ErrInvalid, "noise"},
		"other machine":  {[]Source{good, other}, Question{}, ErrClass, "Other"},
		"no size":        {[]Source{with(func(s *Source) { s.Record.Summary.Wire.TxBytes = nil })}, Question{}, ErrUnknown, "size"},
		"no cores":       {[]Source{with(func(s *Source) { s.Record.Summary.Machine = nil })}, Question{}, ErrUnknown, "cores"},
		"no demand":      {[]Source{with(func(s *Source) { s.Record.Summary.Demand = results.Demand{} })}, Question{}, ErrUnknown, "no demand"},
		"too many nodes": {[]Source{good}, Question{Nodes: 1e6}, ErrQuestion, "nodes is 1e+06"},
		"headroom":       {[]Source{good}, Question{Headroom: 1}, ErrQuestion, "headroom"},
		"NaN":            {[]Source{good}, Question{RateTxPerSec: math.NaN()}, ErrQuestion, "rate is NaN"},
		"dissemination":  {[]Source{good}, Question{Dissemination: "post"}, ErrQuestion, "post"},
		"unknown part":   {[]Source{good}, Question{Faster: map[string]float64{"magic": 2}}, ErrQuestion, "hashing, kernel tcp, signatures"},
	} {
		if p, err := Make(c.s, c.q); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	for name, s := range map[string][]Source{"invalid": {invalid}, "other machine": {good, other}} {
		if p, err := Make(s, Question{Force: true}); err != nil || !strings.Contains(strings.Join(p.Warnings, "\n"), "--force") {
			t.Errorf("%s with force: %+v, %v", name, p, err)
		}
	}
}

// TestMoreNeverCarriesLess: a faster link, more cores and a smaller transaction
// never lower what is carried, more nodes never raise it, and the first wall is
// the lowest of the table.
func TestMoreNeverCarriesLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := record(2, 200, rapid.Float64Range(1e-6, 1e-3).Draw(t, "cpu"))
		q := Question{
			Nodes: rapid.IntRange(1, 50).Draw(t, "nodes"), Cores: float64(rapid.IntRange(1, 64).Draw(t, "cores")),
			LinkBits: math.Pow(10, rapid.Float64Range(6, 11).Draw(t, "link")), TxBytes: rapid.Float64Range(100, 5000).Draw(t, "size"),
			Headroom: rapid.Float64Range(0, .9).Draw(t, "headroom"), RateTxPerSec: rapid.Float64Range(0, 1e6).Draw(t, "rate"),
			Dissemination: rapid.SampledFrom([]string{SingleLeader, EveryNode}).Draw(t, "how"),
		}
		p, err := Make([]Source{src}, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range p.Demand {
			if d.WallTx < p.BoundTx*(1-1e-12) {
				t.Fatalf("%+v is below the bound %v", d, p.BoundTx)
			}
		}
		for name, change := range map[string]func(*Question){
			"link":  func(q *Question) { q.LinkBits *= 2 },
			"cores": func(q *Question) { q.Cores++ },
			"size":  func(q *Question) { q.TxBytes /= 2 },
			"nodes": func(q *Question) { q.Nodes = max(1, q.Nodes-1) },
		} {
			c := q
			change(&c)
			after, err := Make([]Source{src}, c)
			if err != nil {
				t.Fatal(err)
			}
			if after.MaxTx < p.MaxTx*(1-1e-9) {
				t.Fatalf("%s: %v after %v", name, after.MaxTx, p.MaxTx)
			}
		}
		for i, c := range p.Changes {
			before := p.MaxTx
			if i > 0 {
				before = p.Changes[i-1].MaxTx
			}
			if c.MaxTx < before*(1-1e-9) {
				t.Fatalf("a change makes it worse: %+v", p.Changes)
			}
		}
	})
}
