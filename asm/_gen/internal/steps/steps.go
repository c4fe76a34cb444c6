// Package steps merges lists of instructions that do not depend on each other.
// A generator that wants to place instructions between those of other work
// does not write them at once, but collects them.
package steps

// Step writes one instruction, or a few that belong together.
type Step = func()

// List are steps to be written later, in this order.
type List []Step

// Emit writes lists, one after the other.
func Emit(lists ...List) {
	for _, l := range lists {
		for _, step := range l {
			step()
		}
	}
}

// Mix puts lists beside each other: each is used up at its own steady rate, so
// that all end together. Between the steps of the longest, shorter lists are
// never behind their share.
func Mix(lists ...List) List {
	longest := 0
	for _, l := range lists {
		longest = max(longest, len(l))
	}
	var out List
	done := make([]int, len(lists))
	for step := 1; step <= longest; step++ {
		for i, l := range lists {
			for ; done[i]*longest < step*len(l); done[i]++ {
				out = append(out, l[done[i]])
			}
		}
	}
	return out
}

// Alternate takes grain steps of each list in turn.
func Alternate(grain int, a, b List) List {
	var out List
	for len(a) > 0 || len(b) > 0 {
		n := min(grain, len(a))
		out, a = append(out, a[:n]...), a[n:]
		n = min(grain, len(b))
		out, b = append(out, b[:n]...), b[n:]
	}
	return out
}
