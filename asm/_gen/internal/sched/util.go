package sched

import "sort"

// sortBy sorts indices stably by their keys.
func sortBy(indices []int, key []float64) {
	sort.SliceStable(indices, func(i, j int) bool { return key[indices[i]] < key[indices[j]] })
}

func contains(vs []Value, v Value) bool { return count(vs, v) > 0 }

func count(vs []Value, v Value) int {
	n := 0
	for _, x := range vs {
		if x == v {
			n++
		}
	}
	return n
}
