package results

import "time"

// Names of the schemas. The number after the slash rises only when an existing
// key changes its meaning or disappears; new keys do not raise it.
const (
	SchemaRun  = "weir.run/1"
	SchemaLoad = "weir.load/1"
)

// Types of the lines of a weir.run/1 record.
const (
	TypeEnv     = "env"
	TypeTrial   = "trial"
	TypeWindow  = "window"
	TypeSummary = "summary"
)

// Resources that can be a wall, as they appear in Summary.Bottleneck,
// Wall.Name and NetworkPrediction.Wall.
const (
	WallCPU       = "cpu"       // the node's cores
	WallSerial    = "serial"    // the busiest single-threaded stage
	WallWire      = "wire"      // the larger of the two directions
	WallDisk      = "disk"      // device busy time
	WallGenerator = "generator" // the load generator itself
)

// Ways in which the bytes on the wire were learnt, most trusted first.
const (
	WireEBPF     = "ebpf"     // every frame counted in the kernel
	WireSockDiag = "sockdiag" // TCP_INFO of each socket, headers computed
	WireProc     = "proc"     // counters of the whole interface
	WireApp      = "app"      // what the application wrote, headers computed
)

// Kinds of link.
const (
	LinkLoopback = "loopback" // a memory copy, not a network
	LinkShaped   = "shaped"   // a virtual link with a rate we set
	LinkNetwork  = "network"  // a real device
)

// NullString is a text that may be unknown: the empty string is written as
// null and null is read as the empty string.
type NullString string

// Summary is the last line of a record and the object of `weir run --json`.
// Schema and Type are set on encoding.
type Summary struct {
	Schema string `json:"schema"`
	Type   string `json:"type"`

	// Valid is false when the run must not be quoted: no trial was valid, the
	// accounting does not add up, or a control fired. Warnings says why, and
	// also what is unknown.
	Valid       bool      `json:"valid"`
	Warnings    []string  `json:"warnings"`
	Interrupted bool      `json:"interrupted"`
	StartedAt   time.Time `json:"started_at"`
	DurationSec *float64  `json:"duration_sec"`
	Host        string    `json:"host"`
	Record      string    `json:"record"` // path of the record's folder or file

	Target    NullString `json:"target"` // null: weir's own node
	Workload  string     `json:"workload"`
	Engine    string     `json:"engine"`
	Nodes     int        `json:"nodes"`
	Seed      uint64     `json:"seed"`
	Placement string     `json:"placement"` // where node and generator ran, e.g. "same-host"
	SLO       string     `json:"slo"`       // e.g. "p99<2s,loss<0.1%"
	Kernels   []Kernel   `json:"kernels"`

	Knee      Knee           `json:"knee"`
	LatencyMS SummaryLatency `json:"latency_ms"` // at the confirmed lower bound
	Wire      SummaryWire    `json:"wire"`
	Link      Link           `json:"link"`

	// Demand is resource seconds per committed transaction at the knee;
	// Utilisation is the measured share of the same resources there.
	Demand                 Demand              `json:"demand"`
	Utilisation            Utilisation         `json:"utilisation"`
	Bottleneck             NullString          `json:"bottleneck"`
	NextWall               *Wall               `json:"next_wall"`
	NodeAloneBoundTxPerSec *float64            `json:"node_alone_bound_tx_per_sec"` // a prediction
	OnANetwork             []NetworkPrediction `json:"on_a_network"`
	Stages                 []Stage             `json:"stages"`
	Trials                 []TrialShort        `json:"trials"`

	// Keys below may be missing, which means the same as null: records of the
	// first release lack them.

	Search  *Search  `json:"search,omitempty"`
	Machine *Machine `json:"machine,omitempty"`

	// Validation is what `weir run --validate` prints beside the first run.
	Validation []Validation `json:"validation,omitempty"`
	// PredictionsSHA256 is the hash of the predictions that stood before this
	// run began (of those that came from it, in what --validate prints).
	PredictionsSHA256 string `json:"predictions_sha256,omitempty"`
	// Soak is what `weir run --soak` adds.
	Soak *Soak `json:"soak,omitempty"`

	// SHA256 covers every byte of the record before it: the lines above, and this
	// one without the key. It shows that a number was changed which nothing else
	// is computed from; it is no signature. Writer.WriteSummary sets it, and it
	// must stay the last key: digestKey looks for it there.
	SHA256 NullString `json:"sha256,omitempty"`
}

// Kernel is one hash kernel that was chosen for the run.
type Kernel struct {
	Name        string   `json:"name"` // e.g. "sha256_pairs"
	Impl        string   `json:"impl"` // e.g. "avx512"
	NSPerOp     *float64 `json:"ns_per_op"`
	BytesPerSec *float64 `json:"bytes_per_sec"`
}

// Knee is the highest sustainable offered rate as an interval: every trial at
// Lower that was part of the confirmation was good, one at Upper was not. A
// nil Upper says that no rate tried was too high; a nil Lower that none held.
type Knee struct {
	LowerTxPerSec *float64 `json:"lower_tx_per_sec"`
	UpperTxPerSec *float64 `json:"upper_tx_per_sec"`
	Confirmed     bool     `json:"confirmed"`
	// Confirmations counts the good trials at Lower, ConfirmationsWanted how
	// many were asked for.
	Confirmations       int         `json:"confirmations"`
	ConfirmationsWanted int         `json:"confirmations_wanted"`
	LatencyAt           []LatencyAt `json:"latency_at"`
}

// LatencyAt is the commit latency, in milliseconds, at a fraction of the
// knee's lower bound.
type LatencyAt struct {
	Fraction float64  `json:"fraction"`
	P50      *float64 `json:"p50"`
	P99      *float64 `json:"p99"`
}

// SummaryLatency holds latencies in milliseconds from the intended send.
type SummaryLatency struct {
	Accept Percentiles `json:"accept"`
	Commit Percentiles `json:"commit"`
}

// Percentiles are in the unit of the field that holds them.
type Percentiles struct {
	P50  *float64 `json:"p50"`
	P99  *float64 `json:"p99"`
	P999 *float64 `json:"p999"`
}

// InOut is a quantity per direction, seen from the node.
type InOut struct {
	In  *float64 `json:"in"`
	Out *float64 `json:"out"`
}

// SummaryWire is the cost of one committed transaction on the wire, in layer 2
// bytes with the 14 byte header and without FCS and gap.
type SummaryWire struct {
	Source     NullString `json:"source"`
	Exact      bool       `json:"exact"` // every frame counted, nothing estimated
	BytesPerTx InOut      `json:"bytes_per_tx"`
	// BytesPerTxMTU1500 is the same traffic cut into frames of MTU 1500, and is
	// the one to plan with: loopback frames are up to 64 KiB.
	BytesPerTxMTU1500 InOut    `json:"bytes_per_tx_mtu1500"`
	PacketsPerTx      InOut    `json:"packets_per_tx"`
	Amplification     *float64 `json:"amplification"` // (in + out) / encoded transaction bytes
	TxBytes           *float64 `json:"tx_bytes"`      // mean encoded size
}

// Link is the path between generator and node.
type Link struct {
	Kind               NullString `json:"kind"`
	CapacityBitsPerSec InOut      `json:"capacity_bits_per_sec"` // layer 2, measured in this run
	NominalBitsPerSec  *float64   `json:"nominal_bits_per_sec"`  // layer 1, as the device says
	Utilisation        *float64   `json:"utilisation"`           // of the busier direction at the knee
	Direction          NullString `json:"direction"`             // "in" or "out"
	MTUBytes           *int64     `json:"mtu_bytes"`
	// Interface is the one that leads to the node; NominalReason says why its
	// speed is unknown. Both may be missing.
	Interface     NullString `json:"interface,omitempty"`
	NominalReason NullString `json:"nominal_reason,omitempty"`
}

// Demand is resource seconds per committed transaction.
type Demand struct {
	CPU       *float64 `json:"cpu_sec_per_tx"`
	HostCPU   *float64 `json:"host_cpu_sec_per_tx"`
	Serial    *float64 `json:"serial_sec_per_tx"`
	Wire      *float64 `json:"wire_sec_per_tx"` // the larger direction
	WireIn    *float64 `json:"wire_in_sec_per_tx"`
	WireOut   *float64 `json:"wire_out_sec_per_tx"`
	Disk      *float64 `json:"disk_sec_per_tx"`
	Generator *float64 `json:"generator_sec_per_tx"`

	DemandDetail
}

// Utilisation is the share of each resource in use at the knee, 0 to 1.
type Utilisation struct {
	CPU       *float64 `json:"cpu"`
	HostCPU   *float64 `json:"host_cpu"`
	Serial    *float64 `json:"serial"`
	Wire      *float64 `json:"wire"`
	WireIn    *float64 `json:"wire_in"`
	WireOut   *float64 `json:"wire_out"`
	Disk      *float64 `json:"disk"`
	Generator *float64 `json:"generator"`
}

// Wall is a resource and the rate at which it would be full.
type Wall struct {
	Name     string  `json:"name"`
	TxPerSec float64 `json:"tx_per_sec"`
}

// NetworkPrediction is the rate this machine would reach behind a link of the
// given layer 1 speed at MTU 1500, and what would stop it there.
type NetworkPrediction struct {
	LinkBitsPerSec float64    `json:"link_bits_per_sec"`
	TxPerSec       *float64   `json:"tx_per_sec"`
	Wall           NullString `json:"wall"`
}
