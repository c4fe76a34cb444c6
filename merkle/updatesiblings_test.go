package merkle

import (
	"context"
	"testing"
)

// Every node becomes its right neighbour: where a block of the update ended
// between two siblings, the old right one and the new left one would be equal.
func TestUpdateKeepsSiblingsTogether(t *testing.T) {
	ctx := context.Background()
	for _, n := range []int{2, 3, updateBlock - 1, updateBlock, updateBlock + 1, 2*updateBlock + 1, 3*updateBlock - 1, 3 * updateBlock} {
		leaves := someLeaves(Bitcoin, n+1)
		tree := mustBuild(t, Bitcoin, leaves[:n])
		for first := range min(2, n-1) {
			indices := make([]uint64, n-first)
			for i := range indices {
				indices[i] = uint64(first + i)
			}
			for _, to := range [][][]byte{leaves[first+1 : n+1], leaves[first:n]} {
				if err := tree.Update(ctx, indices, Leaves(to)); err != nil {
					t.Fatalf("%d leaves from %d on: %v", n, first, err)
				}
			}
		}
	}
}
