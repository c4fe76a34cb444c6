package sched

// needs lists, for every operation, those that must be issued before it: the
// ones whose values it uses and, among those on the same memory cell, a store
// after everything before it and a load after the last store.
func (b *Block) needs() [][]int {
	needs := make([][]int, len(b.ops))
	stored := map[int]int{}
	loaded := map[int][]int{}
	for i, o := range b.ops {
		for _, v := range o.in {
			if d := b.def[v]; d != entry {
				needs[i] = append(needs[i], d)
			}
		}
		if o.mem == nil || o.mem.Cell == 0 {
			continue
		}
		cell := o.mem.Cell
		if last, ok := stored[cell]; ok {
			needs[i] = append(needs[i], last)
		}
		if o.class == Store {
			needs[i] = append(needs[i], loaded[cell]...)
			stored[cell], loaded[cell] = i, nil
		} else {
			loaded[cell] = append(loaded[cell], i)
		}
	}
	return needs
}

// uses counts the uses of each value, the end of the block included.
func (b *Block) uses() []int {
	uses := make([]int, len(b.def))
	for _, o := range b.ops {
		for _, v := range o.in {
			uses[v]++
		}
	}
	for _, v := range b.exit {
		uses[v]++
	}
	return uses
}

// ready reports whether everything that the unit needs is there in this cycle;
// pending, whether it will be by waiting alone.
func (s *lister) ready(u int) (ready, pending bool) {
	at := 0
	for _, i := range s.units[u] {
		for _, n := range s.needs[i] {
			switch {
			case s.ops[n].unit != 0 && s.ops[n].unit == s.ops[i].unit:
			case s.issued[n] >= 0:
				at = max(at, s.issued[n]+s.latency(n))
			case !s.fed[n]:
				return false, false
			default:
				for _, store := range s.needs[n] {
					if s.issued[store] < 0 {
						return false, false
					}
				}
			}
		}
	}
	return at <= s.now, at > s.now
}

// latency of an operation for the purpose of ordering. Loads start early on
// their own, as nothing but their address holds them up.
func (s *lister) latency(i int) int {
	switch c := s.ops[i].class; c {
	case Load, Store:
		return 0
	default:
		return s.model.Latency[c]
	}
}

// demand returns by how many values the unit, with the loads that go with it,
// exceeds those live now: at most, and in the end.
func (s *lister) demand(u int) (peak, net int) {
	var used []Value // by operations of the unit, once for every use
	for _, i := range s.units[u] {
		o := &s.ops[i]
		for k, v := range o.in {
			if d := s.def[v]; d != entry && s.fed[d] && s.issued[d] < 0 && !contains(used, v) && !contains(o.in[:k], v) {
				net++
			}
		}
		peak = max(peak, net)
		for k, v := range o.in {
			used = append(used, v)
			if s.uses[v] == count(used, v) && !contains(o.in[k+1:], v) {
				net--
			}
		}
		if o.out != 0 {
			net++
		}
		peak = max(peak, net)
	}
	return peak, net
}

// issueUnit issues the operations of the unit, each after its loads.
func (s *lister) issueUnit(u int) {
	s.done[u] = true
	at := s.now
	for _, i := range s.units[u] {
		for _, n := range s.needs[i] {
			if s.fed[n] && s.issued[n] < 0 {
				s.issue(n, at)
			}
			if s.ops[n].unit != 0 && s.ops[n].unit == s.ops[i].unit {
				at = max(at, s.issued[n]+s.latency(n))
			}
		}
		s.issue(i, at)
	}
}

func (s *lister) issue(i, at int) {
	o := &s.ops[i]
	s.issued[i] = at
	s.seq = append(s.seq, i)
	s.left--
	if o.slots() {
		s.vector--
	}
	if o.class == Shift || o.class == Shuffle {
		s.shift--
	}
	for _, v := range o.in {
		if s.uses[v]--; s.uses[v] == 0 {
			s.live--
		}
	}
	if o.out != 0 && s.uses[o.out] > 0 {
		s.live++
	}
}
