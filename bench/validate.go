package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/results"
)

// Of a validation: the link that is measured first when none is given, the
// links of the predictions as shares of it, and the second transaction size.
const (
	DefaultValidateLink = 100_000_000
	secondValueBytes    = 1000
	validatePoints      = 5
	baseWeight          = 1.5 // of the first run's search in the budget: all others rest on it
)

// predictionsLine stands in the series' file before the first of the
// measurements that it foretells.
type predictionsLine struct {
	Schema      string          `json:"schema"`
	Type        string          `json:"type"`
	Base        string          `json:"base_record_sha256"` // of the record they come from
	Predictions json.RawMessage `json:"predictions"`        // canonical
	SHA256      string          `json:"sha256"`             // of predictions
}

// Validate measures over one link, writes down what it expects of others, and
// then measures those. The summary is that of the first run, with the
// predictions and their errors.
func Validate(ctx context.Context, cfg Config) (out Outcome, err error) {
	cfg.setDefaults()
	if cfg.LinkBits == 0 {
		cfg.LinkBits = DefaultValidateLink
	}
	switch {
	case cfg.Target != "":
		return out, fmt.Errorf("%w: predictions are checked by shaping the link to a node of our own: leave out --target", ErrConfig)
	case cfg.LinkBits < 5*netlab.MinRateBitsPerSec:
		return out, fmt.Errorf("%w: a fifth of the link (%d bit/s) is to be measured too: give --link 500kbit or more", ErrConfig, cfg.LinkBits)
	}
	if err := cfg.check(ctx); err != nil {
		return out, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	needs := validatePoints
	if cfg.Resume {
		needs = 1
	}
	if err := checkSeriesBudget(cfg.Budget, needs); err != nil {
		return out, err
	}
	s, err := openSeries(cfg, KindValidate)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	left := validatePoints - len(s.done)
	base, err := s.point(ctx, cfg, "01-base-"+bitsText(float64(cfg.LinkBits)), left, baseWeight)
	if err != nil {
		return out, err
	}
	out.Env, out.Summary = *base.Env, *base.Summary
	preds, sha, err := s.predictions(cfg, base)
	if err != nil {
		out.Summary.Valid = false
		out.Summary.Warnings = append(out.Summary.Warnings, err.Error())
		return out, nil
	}
	out.Summary.PredictionsSHA256 = sha
	cfg.PredictionsSHA256 = sha
	for _, p := range preds {
		v := results.Validation{
			Name: p.Name, LinkBitsPerSec: p.LinkBitsPerSec, ValueBytes: p.ValueBytes, PredictedTxPerSec: p.TxPerSec,
			PredictedWall: p.Wall, Extrapolated: p.Extrapolated, Assumed: p.Assumed, Record: filepath.Join(cfg.OutDir, p.Name),
		}
		if err == nil {
			err = s.check(ctx, cfg, p, &v)
		}
		out.Summary.Validation = append(out.Summary.Validation, v)
		out.Summary.Valid = out.Summary.Valid && v.Valid
	}
	if err != nil {
		out.Summary.Interrupted = ctx.Err() != nil
		out.Summary.Warnings = append(out.Summary.Warnings, err.Error())
	}
	return out, errors.Join(err, writeSummary(cfg.OutDir, out.Summary))
}

// predictions makes them from the first run and writes them down, or reads
// those that were written before. Those must still be what the record gives.
func (s *series) predictions(cfg Config, base results.Record) ([]prediction, string, error) {
	m, err := newModel(base)
	if err != nil {
		return nil, "", err
	}
	preds, err := m.all(float64(cfg.LinkBits))
	if err != nil {
		return nil, "", err
	}
	canon, err := CanonicalJSON(preds)
	if err != nil {
		return nil, "", err
	}
	line := predictionsLine{SchemaSeries, "predictions", "", canon, hashOf(canon)}
	for name, p := range s.done {
		if strings.HasPrefix(name, "01-") {
			line.Base = p.RecordSHA256
		}
	}
	if had, ok := s.extra["predictions"]; ok {
		var old predictionsLine
		if err := json.Unmarshal(had, &old); err != nil {
			return nil, "", err
		}
		if got := hashOf(old.Predictions); got != old.SHA256 || old.Base != line.Base {
			return nil, "", fmt.Errorf("the predictions of %s were changed: their hash is %.12s…, the line says %.12s…; start anew in another folder", s.dir, got, old.SHA256)
		}
		return preds, old.SHA256, json.Unmarshal(old.Predictions, &preds)
	}
	return preds, line.SHA256, s.append(line)
}

// all are the predictions of a validation: half and a fifth of the link, one on
// which the wire should not be the wall any more, and longer transactions.
func (m *model) all(linkBits float64) ([]prediction, error) {
	w, err := ValueWorkload(secondValueBytes, 0)
	if err != nil {
		return nil, err
	}
	in, err := w.Inspect(1, 1, 0)
	if err != nil {
		return nil, err
	}
	size := uint64(secondValueBytes)
	wide := m.beyond(linkBits)
	list := []prediction{m.predict(linkBits/2, 0), m.predict(linkBits/5, 0), m.predict(wide, 0), m.predict(linkBits/2, in.TxBytes.Mean)}
	list[3].ValueBytes = &size
	for i := range list {
		p := &list[i]
		p.Name = fmt.Sprintf("%02d-link-%s", i+2, bitsText(p.LinkBitsPerSec))
		if p.ValueBytes != nil {
			p.Name += fmt.Sprintf("-value-%d", *p.ValueBytes)
		}
	}
	return list, nil
}

// beyond is a link rate at which the wire should not be the wall: at least twice
// what the next wall can fill, and at least twice the one measured.
func (m *model) beyond(linkBits float64) float64 {
	wide := 5 * linkBits
	if len(m.walls) > 0 {
		wide = 2 * linkBits * m.walls[0].TxPerSec / m.wireTxPerSec(linkBits, 0)
	}
	wide = max(wide, 2*linkBits)
	unit := math.Pow(10, math.Floor(math.Log10(wide)))
	return min(math.Ceil(wide/unit)*unit, netlab.MaxRateBitsPerSec)
}

// check measures what was foretold.
func (s *series) check(ctx context.Context, cfg Config, p prediction, v *results.Validation) error {
	cfg.LinkBits = uint64(p.LinkBitsPerSec)
	if p.ValueBytes != nil {
		w, err := ValueWorkload(*p.ValueBytes, cfg.Accounts)
		if err != nil {
			return err
		}
		cfg.Workload = w
	}
	rec, err := s.point(ctx, cfg, p.Name, validatePoints-len(s.done), 1)
	if err != nil {
		return err
	}
	if rec.Summary == nil {
		return fmt.Errorf("point %s has no summary", p.Name)
	}
	k := rec.Summary.Knee
	v.Valid = rec.Summary.Valid
	v.MeasuredLower, v.MeasuredUpper, v.MeasuredWall = k.LowerTxPerSec, k.UpperTxPerSec, rec.Summary.Bottleneck
	v.MeasuredTxPerSec = middle(k)
	if v.MeasuredTxPerSec == nil {
		v.MeasuredTxPerSec = k.LowerTxPerSec
	}
	if v.MeasuredTxPerSec != nil && *v.MeasuredTxPerSec > 0 {
		e := v.PredictedTxPerSec / *v.MeasuredTxPerSec - 1
		v.Error = &e
	}
	return nil
}

// writeSummary puts what --json prints beside the records.
func writeSummary(dir string, s results.Summary) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return results.WriteFileAtomic(filepath.Join(dir, "summary.json"), append(b, '\n'), 0o644)
}

// bitsText writes a rate as --link takes it: 20mbit.
func bitsText(bits float64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1e9, "gbit"}, {1e6, "mbit"}, {1e3, "kbit"}} {
		if bits >= u.unit {
			return fmt.Sprintf("%.4g%s", bits/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%.0fbit", bits)
}
