package merklefield

import (
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/report"
	"github.com/chainweir/weir/bench/peers/require"
)

// Schema names the JSON object.
const Schema = "weir.merklepeers/1"

// treeCost is how much longer a root may take than the kernel alone for as many
// nodes.
const treeCost = 1.15

// updateCost is the same for an update, whose nodes lie far apart in memory, and
// updateAim what it should be.
const (
	updateCost = 1.6
	updateAim  = 1.25
)

// figures are required on a Zen 5 server with all its features.
var figures = []require.Figure{
	{Row: "ssz 1Mi leaves", Peer: gohashtreeName, AtLeast: 3.2, Aim: 3.7},
	{Row: "ssz 1Mi leaves", Peer: kernelName, AtLeast: 1 / treeCost},
	{Row: "ssz 1Mi leaves, two cores", Peer: gohashtreeName, AtLeast: 6, Aim: 7},
	{Row: "rfc6962 1Mi × 200 B", Peer: transparency, AtLeast: 8, Aim: 12},
	{Row: "rfc6962 1Mi leaf hashes", Peer: kernelName, AtLeast: 1 / treeCost},
	{Row: "cometbft 10000 × 250 B", Peer: cometbft, AtLeast: 10, Aim: 15},
	{Row: "bitcoin 4000 txids", Peer: std, AtLeast: 5, Aim: 7},
	{Row: "update 1000 of 1Mi, rfc6962", Peer: kernelName, AtLeast: 1 / updateCost, Aim: 1 / updateAim},
	{Row: "update 1000 of 1Mi, ssz", Peer: kernelName, AtLeast: 1 / updateCost, Aim: 1 / updateAim},
	{Row: "verify 10000 of depth 20", Peer: transparency, AtLeast: 4, Aim: 7},
}

// treeFigures hold on every machine: they compare the kernel with itself.
func treeFigures() []require.Figure {
	var list []require.Figure
	for _, f := range figures {
		if f.Peer == kernelName {
			list = append(list, f)
		}
	}
	return list
}

func required(zen5Server, avx512, sha bool) require.Table {
	if zen5Server && avx512 && sha {
		return require.Table{Title: "one core of a Zen 5 server (family 26)", Figures: figures}
	}
	return require.Table{Title: "any machine: what the tree adds to its kernel", Figures: treeFigures()}
}

// Subject is what a report about these rows is about.
var Subject = report.Subject{
	Schema: Schema,
	Libraries: []string{
		"github.com/prysmaticlabs/gohashtree", "github.com/transparency-dev/merkle", "github.com/cometbft/cometbft",
	},
	Required: required,
	Notes: func() []string {
		return []string{
			"Ratios are peer ÷ weir, the median of the rounds with its order-statistic interval: above 1 weir is faster. " +
				"Every root of every timed call was compared with one over crypto/sha256, one node at a time.",
			kernelName + " is weir's kernels alone, as many times as the work has nodes and leaves, on data in the cache: its ratio is the " +
				"kernel share, the part of weir's time that is hashing. 1 ÷ ratio must not exceed 1.15 for a root and 1.6 for an update.",
			"An item of an update is a node that is hashed. A call makes 64 updates, each of other leaves, so that their nodes come from memory. " +
				"The kernel share of the proofs counts a node that several proofs have in common once.",
			"Peers whose garbage would fill the memory are collected after each call with the clock stopped, which favours them. " +
				"weir's builders are used again, as a node uses them, so their buffers have grown.",
			"gohashtree hashes layers, not trees: the loop over the layers, in two buffers, is ours. " +
				"Its leaves, and those of " + field.Weir + " beside it, are nodes already.",
			"Of the proofs, one in 625 is forged, and a verifier must say which. Leaves are hashed before, as the peer's verifier wants them.",
			"A row without cyc/item was timed from inside, between collections.",
		}
	},
}
