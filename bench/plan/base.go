package plan

import (
	"errors"
	"fmt"
	"strings"

	"github.com/chainweir/weir/bench/capacity"
	"github.com/chainweir/weir/results"
)

// Errors of a plan.
var (
	// ErrInvalid reports a record that must not be quoted.
	ErrInvalid = errors.New("the run is not valid")
	// ErrClass reports records of machines that cannot be compared.
	ErrClass = errors.New("the records are of different machines")
	// ErrUnknown reports a record that lacks what a plan needs.
	ErrUnknown = errors.New("the record does not hold what a plan needs")
	// ErrQuestion reports a question that makes no sense.
	ErrQuestion = errors.New("bad question")
)

// Source is a record and what to call it.
type Source struct {
	Name   string
	Record results.Record
}

// base is what one record measured.
type base struct {
	name    string
	cores   float64 // that the node could use
	nodes   int
	txBytes float64
	maxTx   float64  // the highest rate committed in any valid trial
	knee    *float64 // middle of the interval
	sum     *results.Summary

	cpuSec       *float64 // core seconds of the node per transaction, at its own wall
	serial, disk *float64
	// What TCP carried per committed transaction; nil: unknown.
	payloadIn, payloadOut *float64
	parts                 map[string]float64 // shares of the node's processor time by what it was for
	samples               int64              // of the profile behind the parts; 0: none
}

// Of TCP over IPv4 with timestamps at MTU 1500, in bytes: the payload of a full
// frame, what it costs on the cable (L1), and what an acknowledgement costs.
const (
	segmentBytes = 1448
	fullL1Bytes  = capacity.MaxFrameBytes + capacity.L1OverheadBytes
	ackL1Bytes   = 66 + capacity.L1OverheadBytes
)

// partHashing is the name of the hash kernels' share in a record.
const partHashing = "hashing"

// newBase takes from a record what a plan needs.
func newBase(s Source, force bool) (*base, []string, error) {
	sum := s.Record.Summary
	switch {
	case sum == nil:
		return nil, nil, fmt.Errorf("%s: %w: it has no summary, the run was interrupted; run it again", s.Name, ErrUnknown)
	case !sum.Valid && !force:
		return nil, nil, fmt.Errorf("%s: %w (%s); run it again, or --force", s.Name, ErrInvalid, strings.Join(sum.Warnings, "; "))
	}
	var warnings []string
	warn := func(format string, args ...any) {
		warnings = append(warnings, s.Name+": "+fmt.Sprintf(format, args...))
	}
	if !sum.Valid {
		warn("the run is INVALID; used because of --force")
	}
	b := &base{name: s.Name, nodes: max(1, sum.Nodes), sum: sum, parts: map[string]float64{}}
	switch {
	case sum.Machine != nil && sum.Machine.NodeCores > 0:
		b.cores = sum.Machine.NodeCores
	case s.Record.Env != nil && s.Record.Env.Class.UsableCores > 0:
		b.cores = s.Record.Env.Class.UsableCores
	default:
		return nil, nil, fmt.Errorf("%s: %w: the number of cores", s.Name, ErrUnknown)
	}
	if sum.Wire.TxBytes == nil || !(*sum.Wire.TxBytes > 0) {
		return nil, nil, fmt.Errorf("%s: %w: the size of a transaction", s.Name, ErrUnknown)
	}
	b.txBytes = *sum.Wire.TxBytes
	b.knee = middle(sum.Knee)
	b.demands(warn)
	b.traffic(s.Record.Trials, warn)
	for i := range s.Record.Trials {
		if t := &s.Record.Trials[i]; t.Valid && t.CommittedTxPerSec != nil {
			b.maxTx = max(b.maxTx, *t.CommittedTxPerSec)
		}
	}
	if l := sum.Knee.LowerTxPerSec; l != nil {
		b.maxTx = max(b.maxTx, *l)
	}
	if b.maxTx == 0 {
		return nil, nil, fmt.Errorf("%s: %w: any rate that was carried", s.Name, ErrUnknown)
	}
	return b, warnings, nil
}

// demands takes the demands at their own walls where the record has models of
// them, because an idle resource costs more per transaction than a full one.
func (b *base) demands(warn func(string, ...any)) {
	d := &b.sum.Demand
	at := func(resource string, measured *float64) *float64 {
		if measured == nil || !(*measured > 0) {
			return nil
		}
		for _, m := range d.Models {
			if m.Resource == resource && m.WallTxPerSec > 0 && 1/m.WallTxPerSec < *measured {
				if m.Extrapolation > 2 {
					warn("the %s's demand at its own wall is extrapolated to %.1f times the highest rate measured", resource, m.Extrapolation)
				}
				return capacity.Known(1 / m.WallTxPerSec)
			}
		}
		return measured
	}
	if cpu := at("cpu", d.CPU); cpu != nil {
		b.cpuSec = capacity.Known(*cpu * b.cores)
	} else {
		warn("the node's processor time is unknown: the processor is no wall in this plan")
	}
	b.serial, b.disk = at("serial", d.Serial), at("disk", d.Disk)
	for _, p := range d.Parts {
		if p.Resource == "cpu" && p.Source == results.SourceProfile {
			b.parts[p.Name] = p.Share
		}
	}
	if d.Profile != nil && len(b.parts) > 0 {
		b.samples = d.Profile.Samples
	}
}

// traffic takes the payload of the good trials: headers depend on how full the
// frames were, and at the wire's wall frames are full.
func (b *base) traffic(trials []results.Trial, warn func(string, ...any)) {
	var committed, in, out float64
	for i := range trials {
		t := &trials[i]
		if t.Verdict == results.VerdictGood && t.Wire != nil && t.Wire.In.PayloadBytes != nil && t.Wire.Out.PayloadBytes != nil {
			committed += float64(t.Counts.Committed)
			in += float64(*t.Wire.In.PayloadBytes)
			out += float64(*t.Wire.Out.PayloadBytes)
		}
	}
	if committed > 0 && in > 0 {
		b.payloadIn, b.payloadOut = capacity.Known(in/committed), capacity.Known(out/committed)
		return
	}
	w := b.sum.Wire.BytesPerTxMTU1500
	if w.In == nil || w.Out == nil {
		warn("bytes on the wire are unknown: the wire is no wall in this plan")
		return
	}
	const share = segmentBytes / float64(capacity.MaxFrameBytes)
	b.payloadIn, b.payloadOut = capacity.Known(*w.In*share), capacity.Known(*w.Out*share)
}

// middle is the geometric middle of a knee's interval.
func middle(k results.Knee) *float64 {
	switch {
	case k.LowerTxPerSec == nil:
		return nil
	case k.UpperTxPerSec == nil:
		return k.LowerTxPerSec
	}
	return capacity.Known(sqrt(*k.LowerTxPerSec * *k.UpperTxPerSec))
}

// class is what makes processors comparable.
func class(s Source) string {
	e := s.Record.Env
	if e == nil {
		return ""
	}
	num := func(v *int64) string {
		if v == nil {
			return "unknown"
		}
		return fmt.Sprint(*v)
	}
	return fmt.Sprintf("%s/%s %s %s family %s model %s", e.Class.OS, e.Class.Arch, e.Class.CPUVendor, e.Class.CPUBrand, num(e.Class.CPUFamily), num(e.Class.CPUModel))
}
