package bench

import "path/filepath"

// profile gives the usage the profile that the run took. It is a file beside the
// record; without it the parts of the processor's demand are taken as given.
func (c *checker) profile(u *usage) {
	d := &c.rec.Summary.Demand
	if d.Profile == nil {
		return
	}
	// Beside the record, whatever path the record names.
	times, err := readProfile(filepath.Join(filepath.Dir(c.rep.Record), filepath.Base(d.Profile.Path)))
	if err == nil {
		u.profile = &times
		return
	}
	c.note("the processor profile cannot be read (%v): the parts of the processor's demand are taken as given", err)
	for _, k := range []string{"demand.parts", "demand.threads", "demand.profile"} {
		c.given = append(c.given, Given{k, "the profile beside the record is gone"})
	}
	if u.nodeCPU == nil {
		return
	}
	// The serial stages' times are in the threads.
	u.profile = &cpuTimes{total: *u.nodeCPU, threads: map[string]*threadTimes{}}
	for _, t := range d.Threads {
		u.profile.threads[t.Name] = &threadTimes{user: t.UserSecPerTx * u.committed, kernel: t.KernelSecPerTx * u.committed}
	}
}
