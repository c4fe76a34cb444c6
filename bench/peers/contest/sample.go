package contest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/bench/stat"
)

// runner times one contestant.
type runner struct {
	c     Contestant
	want  []byte // the answers of one call
	slots []byte // the answers of one part
	calls int    // of a part
	parts int    // taken so far: sets the depth of the next one
	total int    // calls so far
	ns    []float64
}

func newRunner(c Contestant, want []byte) *runner {
	r := &runner{c: c, want: bytes.Repeat(want, c.copies()), calls: 1}
	r.slots = make([]byte, r.room()*len(r.want))
	return r
}

// room is the number of calls whose answers fit into a part.
func (r *runner) room() int {
	if r.c.Timed != nil {
		return 1
	}
	return min(maxCalls, max(1, maxPartBytes/max(1, len(r.want))))
}

// excuse turns the error of a peer that could not do the work into a reason to
// leave it out. An answer that is wrong, and any error of ours, remains one.
func (r *runner) excuse(err error) error {
	if err == nil || r.c.Role != Peer || errors.Is(err, ErrWrongAnswer) {
		return err
	}
	r.c.LeftOut = err.Error()
	return nil
}

// warm runs the contestant until its code and buffers are warm and finds how
// many calls make a part.
func (r *runner) warm() error {
	ns, err := r.part()
	if err != nil {
		return err
	}
	if took := time.Duration(ns); took > hopeless {
		r.c.LeftOut = fmt.Sprintf("one call took %v; rows are given up after %v", took.Round(time.Millisecond), hopeless)
		return nil
	}
	for r.calls < r.room() && ns < float64(partTarget) {
		r.calls = min(2*r.calls, r.room())
		perCall, err := r.part()
		if err != nil {
			return err
		}
		ns = perCall * float64(r.calls)
	}
	return nil
}

// sample takes parts for at least the given time and returns the median
// nanoseconds of a call among them.
func (r *runner) sample(least time.Duration) (float64, error) {
	r.ns = r.ns[:0]
	var sum time.Duration
	for len(r.ns) == 0 || sum < least && len(r.ns) < maxParts {
		ns, err := r.part()
		if err != nil {
			return 0, err
		}
		r.ns = append(r.ns, ns)
		sum += time.Duration(ns * float64(r.calls))
	}
	return stat.Median(r.ns), nil
}

// part makes the calls of one part, checks their answers and returns the
// nanoseconds of one of them.
func (r *runner) part() (float64, error) {
	used := r.slots[:r.calls*len(r.want)]
	clear(used) // a call that writes nothing must not find the last one's answer
	var took time.Duration
	var err error
	cpu.AtDepth(r.depth(), func() { took, err = r.run(used) })
	if err != nil {
		return 0, fmt.Errorf("%s: %w", r.c.Name, err)
	}
	r.parts++
	r.total += r.calls
	for i := range r.calls {
		if got := used[i*len(r.want):][:len(r.want)]; !bytes.Equal(got, r.want) {
			return 0, fmt.Errorf("%w: %s, call %d: %s", ErrWrongAnswer, r.c.Name, i, difference(got, r.want))
		}
	}
	return float64(took) / float64(r.calls), nil
}

// depth walks over the depths in steps that are prime to their number.
func (r *runner) depth() int { return r.parts * 5 % maxDepth }

func (r *runner) run(slots []byte) (time.Duration, error) {
	if r.c.Timed != nil {
		return r.c.Timed(slots)
	}
	size := len(r.want)
	begin := time.Now()
	for i := range r.calls {
		if err := r.c.Run(slots[i*size : (i+1)*size : (i+1)*size]); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// difference shows the digest in which the first wrong byte lies.
func difference(got, want []byte) string {
	const digest = 32
	for i := range want {
		if got[i] != want[i] {
			at := i / digest * digest
			end := min(at+digest, len(want))
			return fmt.Sprintf("digest %d is %x, want %x", i/digest, got[at:end], want[at:end])
		}
	}
	return "no difference"
}
