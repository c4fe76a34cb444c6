package merkle

import "errors"

// Errors of this package. The wrapped text names the value and the remedy.
var (
	// ErrScheme marks a missing or unknown scheme.
	ErrScheme = errors.New("merkle: no such scheme")
	// ErrLeafSize marks a leaf, record or node whose length the scheme does
	// not take.
	ErrLeafSize = errors.New("merkle: leaf has the wrong length")
	// ErrMutated marks equal sibling nodes in a tree whose odd nodes are
	// paired with themselves: a shorter or longer list has the same root.
	ErrMutated = errors.New("merkle: list is ambiguous, another one has the same root")
	// ErrLimit marks a list with more leaves than its scheme's limit.
	ErrLimit = errors.New("merkle: list is longer than its limit")
	// ErrEmptyTree marks a proof about a tree without leaves.
	ErrEmptyTree = errors.New("merkle: tree size is 0")
	// ErrIndexRange marks a leaf index that is not below the tree's size.
	ErrIndexRange = errors.New("merkle: index is outside the tree")
	// ErrIndexOrder marks leaf indices of a multi-proof that do not rise.
	ErrIndexOrder = errors.New("merkle: indices do not rise")
	// ErrLeafCount marks a proof about no leaves, about more than it may be, or
	// with another number of leaves than of indices.
	ErrLeafCount = errors.New("merkle: number of leaves does not fit")
	// ErrSizeRange marks a smaller tree of a consistency proof that is not
	// the smaller one.
	ErrSizeRange = errors.New("merkle: tree sizes do not fit")
	// ErrPathLength marks a path with too few or too many nodes.
	ErrPathLength = errors.New("merkle: path has the wrong length")
	// ErrPathNode marks a path node that cannot stand where it does.
	ErrPathNode = errors.New("merkle: path holds an impossible node")
	// ErrRootMismatch marks a proof that leads to another root.
	ErrRootMismatch = errors.New("merkle: root does not match")
	// ErrBatch marks a batch of proofs of which not all hold. It wraps the error
	// of the first that does not.
	ErrBatch = errors.New("merkle: not every proof of the batch holds")
	// ErrNoConsistency marks a scheme that has no consistency proofs.
	ErrNoConsistency = errors.New("merkle: scheme has no consistency proofs")
	// ErrProofFormat marks a proof document that cannot be read.
	ErrProofFormat = errors.New("merkle: malformed proof")
)
