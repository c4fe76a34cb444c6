package bench

import (
	"fmt"
	"strings"

	"github.com/chainweir/weir/results"
)

// describePeer fills in what the record says of a system that is not weir.
func (r *run) describePeer() {
	p := r.target.peer
	r.sum.Engine, r.sum.Workload = p.name, p.workload
	r.sum.Wire.TxBytes = nil // known when the transactions are made
	for _, n := range p.notes {
		r.warn("%s", n)
	}
	if p.proc != nil {
		r.warn("the node's processor time and disk bytes are those of process %d (%s), which listens on the target's port; an application in another process is not in them", p.proc.PID, p.proc.Name)
	}
}

// peerBytes notes the mean length of what was sent.
func (r *run) peerBytes() {
	if p := r.target.peer; p != nil {
		if n := p.src.MeanBytes(); n > 0 {
			r.sum.Wire.TxBytes = &n
		}
	}
}

// noLinkTest says why the link's capacity is unknown.
func noLinkTest(kind results.NullString) string {
	if kind == results.LinkLoopback {
		return "link capacity is unknown: the target has no link test; on loopback it is a memory copy, part of the processor's load"
	}
	return "link capacity is unknown: the target has no link test, so the wire cannot be told from other walls; measure it with weir link serve on its host"
}

// excluded names the wall of a system whose inside cannot be seen. When the
// processors are not full at the knee, and the wire is a memory copy or far from
// full, what is left is a part of the system that does one thing at a time:
// its execution, its disk, its block interval. That is a conclusion by
// exclusion, and the record says so.
func (r *run) excluded() {
	p, s := r.target.peer, &r.sum
	if p == nil || !nothingFull(s, r.machine.sameHost) {
		return
	}
	s.Bottleneck, s.NextWall = results.WallSerial, nil
	s.Warnings = dropNearest(s.Warnings)
	r.warn("the wall is named by exclusion: %s; what is left is what %s does one at a time (execution, its disk, the interval of its blocks), which cannot be told apart from outside", r.seen(), p.name)
}

// nothingFull tells whether all that can be measured from outside is known and
// not full, while another wall than a serial one is named.
func nothingFull(s *results.Summary, sameHost bool) bool {
	if s.Bottleneck == "" || s.Bottleneck == results.WallSerial {
		return false
	}
	busy := larger(s.Utilisation.HostCPU, larger(s.Utilisation.CPU, larger(s.Utilisation.Wire, s.Utilisation.Generator)))
	if busy == nil || *busy >= fullEnough {
		return false
	}
	wireKnown := s.Utilisation.Wire != nil || s.Link.Kind == results.LinkLoopback
	return wireKnown && (s.Utilisation.CPU != nil || sameHost)
}

// seen lists what was measured and is not full.
func (r *run) seen() string {
	u := &r.sum.Utilisation
	var parts []string
	for _, x := range []struct {
		name string
		v    *float64
	}{{"all processors", u.HostCPU}, {"the node's share of them", u.CPU}, {"the generator's", u.Generator}, {"the wire", u.Wire}} {
		if x.v != nil {
			parts = append(parts, fmt.Sprintf("%s %.0f %% busy", x.name, 100**x.v))
		}
	}
	if u.Wire == nil {
		parts = append(parts, "the wire a memory copy")
	}
	return strings.Join(parts, ", ")
}

// dropNearest takes back the warning that calls the wall only a candidate.
func dropNearest(ws []string) []string {
	var kept []string
	for _, w := range ws {
		if !strings.HasPrefix(w, "nothing that was measured is full (") {
			kept = append(kept, w)
		}
	}
	return kept
}
