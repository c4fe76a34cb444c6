package bench

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/pprof/profile"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/results"
)

// profileFile is the processor profile of the node over the trials at the knee,
// in the record's folder.
const profileFile = "cpu.pprof"

// controlTimeout bounds the wait for an answer of our own node. Ending a profile
// takes it about a fifth of a second.
const controlTimeout = 5 * time.Second

// listen passes the node's answers on until its stdout ends or says something else.
func (p *nodeProc) listen(dec interface{ Decode(any) error }) {
	for {
		var a ControlAnswer
		if dec.Decode(&a) != nil || a.Schema != SchemaControl {
			return
		}
		select {
		case p.answers <- a:
		default: // nobody asked
		}
	}
}

// ask sends the node a line and waits for the answer. After one that did not come
// it asks no more: a late answer would be taken for that of another line.
func (p *nodeProc) ask(line string) ([]byte, error) {
	if p.mute {
		return nil, errors.New("the node did not answer earlier")
	}
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		return nil, fmt.Errorf("cannot ask the node for %q: %w", line, err)
	}
	timer := time.NewTimer(controlTimeout)
	defer timer.Stop()
	select {
	case a := <-p.answers:
		if a.Error != "" {
			return nil, fmt.Errorf("the node refused %q: %s", line, a.Error)
		}
		return a.Profile, nil
	case <-p.exited:
		return nil, fmt.Errorf("the node ended before it answered %q", line)
	case <-timer.C:
		p.mute = true
		return nil, fmt.Errorf("the node did not answer %q within %v", line, controlTimeout)
	}
}

// profiled tells whether the node is profiled during a trial: the confirmations
// at the lower bound are, in our own node.
func (r *trials) profiled(spec *knee.TrialSpec) bool {
	return spec.Phase == knee.Confirm && r.t.own != nil && r.t.own.proc != nil && r.profiles != nil
}

func (r *trials) startProfile(spec *knee.TrialSpec) {
	if !r.profiled(spec) {
		return
	}
	if _, err := r.t.own.proc.ask(ControlProfile); err != nil {
		r.warn("the parts of the processor's demand are unknown: " + err.Error())
	}
}

func (r *trials) endProfile(spec *knee.TrialSpec) {
	if !r.profiled(spec) || r.t.own.proc.mute {
		return
	}
	raw, err := r.t.own.proc.ask(ControlProfileEnd)
	if err != nil {
		r.warn("the parts of the processor's demand are unknown: " + err.Error())
		return
	}
	r.profiles[spec.Index] = raw
}

// cpuTimes is a processor profile added up, in seconds of processor time.
type cpuTimes struct {
	hz      float64
	samples int64
	total   float64
	classes map[string]float64
	threads map[string]*threadTimes
}

type threadTimes struct{ user, kernel float64 }

// mergeProfiles reads the profiles of the trials and makes one of them. It is nil
// when none of the trials has one.
func mergeProfiles(profiles map[int][]byte, ids map[int]bool) (*profile.Profile, error) {
	var parsed []*profile.Profile
	for id := range ids {
		raw, ok := profiles[id]
		if !ok {
			continue
		}
		p, err := profile.Parse(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("the profile of trial %d: %w", id, err)
		}
		parsed = append(parsed, p)
	}
	if len(parsed) == 0 {
		return nil, nil
	}
	return profile.Merge(parsed)
}

// addUp sorts a profile's samples by what they were doing and who did it.
func addUp(p *profile.Profile) (cpuTimes, error) {
	count, nanos := -1, -1
	for i, t := range p.SampleType {
		switch {
		case t.Type == "samples":
			count = i
		case t.Type == "cpu" && t.Unit == "nanoseconds":
			nanos = i
		}
	}
	if count < 0 || nanos < 0 {
		return cpuTimes{}, errors.New("it is not a processor profile")
	}
	c := cpuTimes{classes: map[string]float64{}, threads: map[string]*threadTimes{}}
	if p.Period > 0 {
		c.hz = 1e9 / float64(p.Period)
	}
	var stack []string
	for _, s := range p.Sample {
		stack = stack[:0]
		for _, loc := range s.Location {
			for _, line := range loc.Line {
				if line.Function != nil {
					stack = append(stack, line.Function.Name)
				}
			}
		}
		sec := float64(s.Value[nanos]) * 1e-9
		class, kernel := classify(stack)
		c.samples += s.Value[count]
		c.total += sec
		c.classes[class] += sec
		name := "runtime"
		if l := s.Label[core.LabelStage]; len(l) > 0 {
			name = l[0]
		}
		t := c.threads[name]
		if t == nil {
			t = new(threadTimes)
			c.threads[name] = t
		}
		if kernel {
			t.kernel += sec
		} else {
			t.user += sec
		}
	}
	return c, nil
}

// maxProfileBytes bounds a profile, uncompressed; they have some hundred kilobytes.
const maxProfileBytes = 64 << 20

// readProfile reads a profile's file and adds it up.
func readProfile(path string) (cpuTimes, error) {
	f, err := os.Open(path)
	if err != nil {
		return cpuTimes{}, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return cpuTimes{}, fmt.Errorf("%s: %w", path, err)
	}
	data, err := io.ReadAll(io.LimitReader(z, maxProfileBytes))
	if err != nil {
		return cpuTimes{}, fmt.Errorf("%s: %w", path, err)
	}
	p, err := profile.ParseUncompressed(data)
	if err != nil {
		return cpuTimes{}, fmt.Errorf("%s: %w", path, err)
	}
	times, err := addUp(p)
	if err != nil {
		return cpuTimes{}, fmt.Errorf("%s: %w", path, err)
	}
	return times, nil
}

// profile adds the profile of the trials at the knee to what they used, and keeps
// it beside the record.
func (r *run) profile(u *usage, ids map[int]bool) {
	p, err := mergeProfiles(r.trials.profiles, ids)
	if p == nil && err == nil {
		return
	}
	var c cpuTimes
	if err == nil {
		c, err = addUp(p)
	}
	if err == nil && c.samples == 0 {
		err = errors.New("it has no samples")
	}
	var b bytes.Buffer
	if err == nil {
		err = p.Write(&b)
	}
	if err == nil {
		err = results.WriteFileAtomic(filepath.Join(r.cfg.OutDir, profileFile), b.Bytes(), 0o644)
	}
	if err != nil {
		r.warn("the parts of the processor's demand are unknown: %v", err)
		return
	}
	u.profile = &c
}
