package merkle

// levels returns how many layers lie above the leaves of a tree of n ≥ 1.
func (s *Scheme) levels(n uint64) int { return levelsAbove(n) }

// checkSize says that no scheme limits the number of leaves.
func (s *Scheme) checkSize(uint64) error { return nil }

// HasDisplayOrder reports whether people write the scheme's nodes last byte
// first, as Bitcoin's explorers do.
func (s *Scheme) HasDisplayOrder() bool { return s.LeavesAreNodes() }
