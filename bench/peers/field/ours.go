package field

import (
	"slices"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/hash"
)

// Names of ours.
const (
	Weir       = "weir"
	WeirAgain  = "weir again"
	WeirOnOne  = "weir, 1 core"
	ownPrefix  = "weir:"
	genericOwn = "generic"
)

// job does a row's work once.
type job = func(dst []byte) error

// ours are the exported function as a caller gets it, and once more as the
// control.
func ours(run job) []contest.Contestant {
	return []contest.Contestant{
		{Name: Weir, Role: contest.Ours, Run: run},
		{Name: WeirAgain, Role: contest.Control, Run: run},
	}
}

// each enters every implementation of a kernel that package hash lists, so
// that new ones appear by themselves. bind returns nil for an implementation
// that has no function of the row's shape.
func each(kernel string, bind func(hash.Implementation) job) []contest.Contestant {
	var list []contest.Contestant
	for _, im := range hash.Implementations() {
		if im.Kernel != kernel {
			continue
		}
		c := contest.Contestant{Name: ownPrefix + im.Name, Role: contest.Implementation, Run: bind(im)}
		switch {
		case im.Name == genericOwn:
			c.Note = noAssembly
		case im.Unavailable != "":
			c.LeftOut = im.Unavailable
		case c.Run == nil:
			c.LeftOut = "package hash has no function of this shape for it"
		}
		list = append(list, c)
	}
	return list
}

const noAssembly = "no assembly"

// withGeneric adds the plain Go specification, for a row without assembly,
// unless package hash lists it already.
func withGeneric(list []contest.Contestant, run job) []contest.Contestant {
	name := ownPrefix + genericOwn
	if slices.ContainsFunc(list, func(c contest.Contestant) bool { return c.Name == name }) {
		return list
	}
	return append(list, contest.Contestant{Name: name, Role: contest.Implementation, Note: noAssembly, Run: run})
}

// peer is somebody else's library.
func peer(name string, run job) contest.Contestant {
	return contest.Contestant{Name: name, Role: contest.Peer, Run: run}
}

// Unknown lists the kernels of package hash that no row is about, so that the
// report can say so.
func Unknown() []string {
	known := []string{
		"sha256", "sha256_pairs", "sha256_nodes", "sha256d_pairs", "sha256_many", "blake3", "blake3_many",
	}
	var list []string
	for _, im := range hash.Implementations() {
		if !slices.Contains(known, im.Kernel) && !slices.Contains(list, im.Kernel) {
			list = append(list, im.Kernel)
		}
	}
	return list
}
