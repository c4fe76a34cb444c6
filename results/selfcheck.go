package results

import (
	"fmt"
	"strings"
	"time"
)

// selfCheckFromNS is the load from which on a self-check says something. A
// shorter one is over before a single pause of the machine is made up for.
const selfCheckFromNS = int64(500 * time.Millisecond)

// Judge returns the limits that the values of c break, in words; none for a load
// of less than half a second. It is pure, so that a record can be judged again.
func (c *SelfCheck) Judge() []string {
	if c.LoadNS < selfCheckFromNS {
		return nil
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if v := c.CPUShare; v != nil && *v > c.CPUShareLimit {
		add("the generator used %.0f %% of its %.4g cores, limit %.0f %%: give it more cores, or another machine", 100**v, c.Cores, 100*c.CPUShareLimit)
	}
	if v := c.GCPauseShare; v != nil && *v*float64(c.ElapsedNS) > float64(c.GCPauseLimitNS) {
		add("the generator's memory management stopped it for %.2g %% of the time, limit %s: set GOGC higher",
			100**v, shortNS(c.GCPauseLimitNS))
	}
	if v := c.SchedLagP99NS; v != nil && *v > c.SchedLagLimitNS {
		add("the generator waited %s for a core (p99), limit %s: stop other work on this machine", shortNS(*v), shortNS(c.SchedLagLimitNS))
	}
	if v := c.SendLagP99NS; v != nil && *v > c.SendLagLimitNS+c.AllBlockedNS {
		add("the generator sent %s late (p99), limit %s beside %s in which every socket was full: offer less, or free the machine",
			shortNS(*v), shortNS(c.SendLagLimitNS), shortNS(c.AllBlockedNS))
	}
	return out
}

// Unfit is what Judge found, as one text; empty when the generator was fit.
func (c *SelfCheck) Unfit() string {
	if c == nil {
		return ""
	}
	return strings.Join(c.Failed, "; ")
}

func shortNS(ns int64) string { return time.Duration(ns).Round(10 * time.Microsecond).String() }
