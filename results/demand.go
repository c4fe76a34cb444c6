package results

// Sources of a DemandPart.
const (
	SourceProfile = "profile" // samples of the processor profile beside the record
	SourceRusage  = "rusage"  // processor time as the kernel accounts it
	SourceStages  = "stages"  // the node's own clocks
	SourceProcess = "process" // the generator's own processor time
	SourceHost    = "host"    // what is left of the whole host's busy time
)

// DemandDetail divides demands into parts and says how they change with load.
// Lists are left out when nothing is known.
type DemandDetail struct {
	Parts   []DemandPart   `json:"parts,omitempty"`
	Threads []ThreadDemand `json:"threads,omitempty"`
	Models  []DemandModel  `json:"models,omitempty"`
	Profile *CPUProfile    `json:"profile,omitempty"`
	// SerialStage is the stage whose demand is Serial, SerialSource says whether by
	// its clock ("stages") or, where the cores are full, by its processor time.
	SerialStage  NullString `json:"serial_stage,omitempty"`
	SerialSource NullString `json:"serial_source,omitempty"`
}

// DemandPart is a part of one resource's demand. The parts of a resource add up
// to its demand, and their shares to 1.
type DemandPart struct {
	Resource string  `json:"resource"` // "cpu" or "host_cpu", as in Demand
	Name     string  `json:"name"`     // e.g. "signatures", "kernel tcp"
	SecPerTx float64 `json:"sec_per_tx"`
	Share    float64 `json:"share"`  // of the resource's demand
	Source   string  `json:"source"` // one of Source…
}

// ThreadDemand is the processor time of one kind of goroutine in the node, in
// seconds of one core per transaction.
type ThreadDemand struct {
	Name           string  `json:"name"` // the stage, or "runtime" for those without one
	UserSecPerTx   float64 `json:"user_sec_per_tx"`
	KernelSecPerTx float64 `json:"kernel_sec_per_tx"`
	Source         string  `json:"source"`
}

// DemandModel says what a resource that was not full would carry: seconds used =
// idle · seconds + per tx · transactions + per batch · batches, fitted over the
// trials of the search.
type DemandModel struct {
	Resource      string  `json:"resource"`
	IdleSecPerSec float64 `json:"idle_sec_per_sec"`
	SecPerTx      float64 `json:"sec_per_tx"`
	SecPerBatch   float64 `json:"sec_per_batch"`
	BatchesPerSec float64 `json:"batches_per_sec"` // assumed at the wall
	Trials        int     `json:"trials"`
	RelativeError float64 `json:"relative_error"`  // of the fit, root mean square
	WallTxPerSec  float64 `json:"wall_tx_per_sec"` // where the resource would be full
	// The lowest and highest wall when any one trial is left out of the fit; the
	// high one with the fewest batches of any trial.
	WallLowTxPerSec  float64 `json:"wall_low_tx_per_sec"`
	WallHighTxPerSec float64 `json:"wall_high_tx_per_sec"`
	// Extrapolation is the wall ÷ the highest rate committed in any trial: above 2
	// it is a guess with a formula.
	Extrapolation float64 `json:"extrapolation"`
}

// CPUProfile tells how far a profile can be trusted.
type CPUProfile struct {
	Path     string  `json:"path"` // beside the record, for go tool pprof
	Hz       float64 `json:"hz"`   // samples per second of processor time
	Samples  int64   `json:"samples"`
	Coverage float64 `json:"coverage"` // sampled ÷ accounted processor time
}
