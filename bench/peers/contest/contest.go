package contest

import (
	"errors"
	"time"
)

// Errors of this package, wrapped with the contestant's name.
var (
	ErrWrongAnswer = errors.New("contest: wrong answer")
	ErrRow         = errors.New("contest: impossible row")
)

// Role says what a contestant is in its row.
type Role string

// Roles. A row has exactly one contestant of the role Ours; ratios are those
// of all others to it.
const (
	Ours           Role = "ours"           // what a caller of the library gets
	Control        Role = "control"        // Ours under another name (A/A)
	Implementation Role = "implementation" // one of ours, chosen or not
	Peer           Role = "peer"           // somebody else's library
	Baseline       Role = "baseline"       // ours on fewer cores
)

// Contestant is one way to do a row's work.
type Contestant struct {
	Name string
	Role Role
	Note string // what a reader must know to judge the figure

	// Run does the work once and puts the answer into dst.
	Run func(dst []byte) error
	// Timed, when not nil, takes the place of Run: it does the work once and
	// says how long it took, for work that cannot be timed from outside.
	Timed func(dst []byte) (time.Duration, error)
	// Work is how many times the row's work one call does, all at once or one
	// after the other; 0 stands for 1. dst then has room for Copies answers.
	Work int
	// Copies is the number of answers that a call writes; 0 stands for 1.
	Copies int

	// LeftOut says in words why the contestant cannot take part; it is then
	// listed and not run.
	LeftOut string
}

func (c Contestant) work() int   { return max(1, c.Work) }
func (c Contestant) copies() int { return max(1, c.Copies) }

// Row is one piece of work with those who do it.
type Row struct {
	Name        string
	Want        []byte // the answer
	Procs       int    // GOMAXPROCS while it is measured; 0 leaves it
	Contestants []Contestant
}

// Plan says how long to measure.
type Plan struct {
	Rounds int           // that count; one more warms up and is thrown away
	Sample time.Duration // the least time of a contestant in a round
}

// Limits of a part and of a sample.
const (
	partTarget   = 100 * time.Microsecond // far below a scheduler's time slice, far above the clock's cost
	maxPartBytes = 64 << 10               // of a part's answers, so that they stay in the nearer caches
	maxCalls     = 1 << 14                // of a part
	maxParts     = 1 << 10                // of a sample
	maxDepth     = 32                     // of the stack, about a page
	hopeless     = 2 * time.Second        // of one call: it would take minutes
)

// Result is the measurement of one contestant.
type Result struct {
	Contestant Contestant
	// NSPerWork holds one sample per round: nanoseconds for the row's work
	// once. It is nil for a contestant that was left out.
	NSPerWork []float64
	Calls     int // of all samples
}

// Probe is called before every round that counts, and what it returns is kept
// beside the round: the clock frequency, for example.
type Probe func() float64
