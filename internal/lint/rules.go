package lint

// modulePath is the path of the root module.
const modulePath = "github.com/chainweir/weir"

// importRule says which packages of ours the packages in a folder may import.
// A package may always import what lies in the folder of its own rule, so that
// a room can be split into sub-packages. Entries that end in /... stand for a
// folder and all below it; "*" for everything but cmd.
type importRule struct {
	folder  string   // the longest one that holds the package decides
	exact   bool     // the folder itself only, not what is below
	each    bool     // every folder right below is a room of its own
	may     []string // in files that are built into the program
	tests   []string // in test files, beside may
	instead string   // what to do with an import that is not allowed
}

// The rules are those of "Who may import whom" in the design. Two come with a
// reason of their own: core/wire is the frames that servers and clients share,
// so core/rpc and core/client may both have it; and tests of a leaf of core
// may use the other leaves, because a real neighbour is a better test than an
// imitation.
var importRules = []importRule{
	{folder: "asm/cpu", instead: "asm/cpu knows the processor and nothing else: move the code up into the kernel's package"},
	{folder: "asm", each: true, may: []string{"asm/cpu"}, instead: "a kernel knows asm/cpu only: pass what it needs as arguments"},
	{
		folder: "hash", may: []string{"asm/..."},
		instead: "hash is a library on its own: let the caller pass the value in, or do it in cmd",
	},
	{
		folder: "hash/hashtest", may: []string{"hash", "asm/...", "internal/guard"},
		instead: "the suite knows the kernels and nothing above them: let the caller pass the value in",
	},
	{
		folder: "merkle", may: []string{"hash"},
		instead: "merkle gets its hashing from hash, and is a library on its own: let the caller pass the rest in",
	},
	{
		folder: "core", exact: true, may: []string{"merkle", "hash", "core/..."}, tests: []string{"core/..."},
		instead: "the node is measured from outside: export the value through core.Stats() and read it in bench or cmd",
	},
	coreLeaf("core/tx"), coreLeaf("core/genesis"), coreLeaf("core/wire"), coreLeaf("core/verify"), coreLeaf("core/mempool"), coreLeaf("core/fair"),
	coreLeaf("core/state"), coreLeaf("core/store"), coreLeaf("core/dataplane"), coreLeaf("core/engine"),
	coreLeaf("core/client", "core/wire"), coreLeaf("core/rpc", "core/wire"),
	{
		folder: "loadgen", may: []string{"core/tx", "core/client", "core/wire", "bench/stat", "results"}, tests: []string{"*"},
		instead: "the generator schedules, sends and records: take the value from the server's greeting or from the caller",
	},
	{
		// A workload says which accounts a chain needs, so it makes a genesis.
		folder: "loadgen/workload", may: []string{"loadgen", "core/tx", "core/genesis", "core/client", "core/wire", "bench/stat", "results"}, tests: []string{"*"},
		instead: "a workload is text in and signed transactions out: take the value from the caller",
	},
	{folder: "bench/stat", instead: "bench/stat is pure functions of numbers: pass the numbers in"},
	{folder: "bench/capacity", may: []string{"bench/stat"}, instead: "bench/capacity is pure functions of numbers: pass the numbers in"},
	benchLeaf("bench/probe", "results", "asm/cpu"), benchLeaf("bench/link", "results", "asm/cpu"),
	benchLeaf("bench/netlab", "results", "asm/cpu"), benchLeaf("bench/env", "results", "asm/cpu"),
	benchLeaf("bench/agent", "results", "asm/cpu", "bench/env", "bench/probe"),
	benchLeaf("bench/knee", "loadgen", "bench/stat", "results"),
	benchLeaf("bench/report", "results", "bench/stat", "bench/capacity"),
	benchLeaf("bench/plan", "results", "bench/stat", "bench/capacity"),
	benchLeaf("bench/ci", "results", "bench/stat"),
	benchLeaf("bench/compare", "results", "bench/stat", "bench/env"),
	{folder: "bench", exact: true, may: []string{"*"}, instead: "cmd is flags and printing: move the logic into bench"},
	{folder: "results", instead: "a record must be readable without the rest: define the type in results and fill it in elsewhere"},
	{folder: "cmd", may: []string{"*", "cmd/..."}, instead: "nothing is out of reach for cmd"},
	{folder: "internal/guard", instead: "guard pages are memory and nothing else: let the test bring what it knows"},
	{folder: "internal/lint", instead: "the rules must not depend on what they check: read the source instead"},
}

// testHelpers are packages that every test may import: they exist for tests.
var testHelpers = []string{"hash/hashtest", "internal/guard"}

func coreLeaf(folder string, also ...string) importRule {
	return importRule{
		folder: folder, may: append([]string{"merkle", "hash", "core/tx"}, also...), tests: []string{"core/..."},
		instead: "the leaves of core do not import each other: declare a small interface here and let package core pass the other leaf in",
	}
}

func benchLeaf(folder string, may ...string) importRule {
	return importRule{
		folder: folder, may: may, tests: []string{"*"},
		instead: "a part of bench stands alone: take the value as an argument and let package bench join the parts",
	}
}

// thirdPartyRule keeps a dependency in, or out of, some folders, in tests too.
type thirdPartyRule struct {
	path    string   // import path, with everything below it
	only    []string // folders that may have it; none: see never
	never   []string // folders that may not have it
	instead string
}

var thirdPartyRules = []thirdPartyRule{
	{
		path: "github.com/cilium/ebpf", only: []string{"bench/probe", "bench/netlab"},
		instead: "use bench/probe's Source interface",
	},
	{
		path: "gonum.org/v1", never: []string{"asm", "hash", "merkle", "core"},
		instead: "return the numbers and compute in bench/stat or bench/capacity",
	},
	{
		path: modulePath + "/bench", never: []string{"asm", "hash", "merkle", "core"},
		instead: "the measured must not know the measuring: let bench call it",
	},
	{
		path: modulePath + "/loadgen", never: []string{"asm", "hash", "merkle", "core"},
		instead: "the measured must not know the measuring: let loadgen call it",
	},
	{
		path: modulePath + "/results", never: []string{"asm", "hash", "merkle", "core"},
		instead: "return a type of the package's own and let cmd or bench fill in the record",
	},
	{
		path: "github.com/spf13/cobra", only: []string{"cmd"},
		instead: "take arguments and return values: flags and printing belong to cmd",
	},
}

// longFunctions are functions that were longer than the limit when they were
// written, by "package folder.Receiver.Name", with the lines they may have. An
// entry may only get smaller and then go; nothing may be added.
var longFunctions = map[string]int{}
