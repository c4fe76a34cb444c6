package merkle

// frontier is what must be kept of a tree to let it grow: the roots of the
// complete subtrees that its leaves fall into, largest first. Seven leaves leave
//
//	     *
//	   /   \
//	  *     *     *
//	 / \   / \   / \
//	0   1 2   3 4   5   6        peaks of levels 2, 1 and 0
//
// which is the binary form of 7. Transparency logs call it a compact range.
type frontier struct {
	size  uint64
	peaks [maxLevels]Hash // entry l is in use where bit l of size is set
}

// subtree is the root of a complete subtree of 2^level leaves.
type subtree struct {
	level uint
	node  Hash
}

// push adds the subtree that begins with leaf size, which must be a multiple of
// the subtree's leaves.
func (f *frontier) push(s *Scheme, t subtree, seen *twins) {
	level, node := t.level, t.node
	for ; f.size>>level&1 == 1; level++ {
		if s.refuseTwins && f.peaks[level] == node {
			seen.note(level, int(f.size>>level/2))
		}
		node = s.node(f.peaks[level], node)
	}
	f.peaks[level] = node
	f.size += 1 << t.level
}

// root closes the tree: it carries the last node of each layer up to layer
// levels, which holds one node.
func (f *frontier) root(s *Scheme, levels int, seen *twins) Hash {
	if f.size == 0 {
		return s.empty
	}
	var last Hash
	open := false // last is the last node of the layer and not a complete subtree
	for level := range uint(levels) {
		switch at := f.size >> level; {
		case at&1 == 1 && open:
			if s.refuseTwins && f.peaks[level] == last {
				seen.note(level, int(at/2))
			}
			last = s.node(f.peaks[level], last)
		case at&1 == 1:
			last, open = s.alone(level, f.peaks[level]), true
		case open:
			last = s.alone(level, last)
		}
	}
	if !open {
		return f.peaks[levels]
	}
	return last
}

// alone returns the parent of a node that is the last of a layer of odd length.
func (s *Scheme) alone(level uint, last Hash) Hash {
	if s.partner == nil {
		return last
	}
	return s.node(last, s.partner(level, last))
}

// collapse folds the level-0 nodes of leaves lo and following into the roots of
// the complete subtrees they fall into, and appends those to dst from left to
// right, as push takes them. It writes over nodes. A node whose sibling lies
// outside is left for push, so ranges can be collapsed in any order.
func (s *Scheme) collapse(dst []subtree, nodes []byte, lo uint64, seen *twins) ([]subtree, error) {
	var right [maxLevels]subtree
	n := 0
	for level, at := uint(0), lo; len(nodes) > 0; level, at = level+1, at/2 {
		if at&1 == 1 {
			dst = append(dst, subtree{level, Hash(nodes)})
			nodes, at = nodes[HashSize:], at+1
		}
		if len(nodes)/HashSize%2 == 1 {
			last := len(nodes) - HashSize
			right[n] = subtree{level, Hash(nodes[last:])}
			nodes, n = nodes[:last], n+1
		}
		if s.refuseTwins {
			seen.scan(nodes, level, int(at))
		}
		var err error
		if nodes, err = s.fold(nodes, nodes, level); err != nil {
			return dst, err
		}
	}
	for n > 0 {
		n--
		dst = append(dst, right[n])
	}
	return dst, nil
}
