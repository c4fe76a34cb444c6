package bench

// The control of a node that a run has started: lines on its stdin, each
// answered by one JSON object on its stdout. When stdin ends, so does the node.
const (
	// ControlProfile starts a processor profile of the node, ControlProfileEnd
	// ends it and is answered with the profile.
	ControlProfile    = "profile"
	ControlProfileEnd = "profile end"
	// MaxControlLine bounds a line of the control, in bytes.
	MaxControlLine = 64
)

// ControlAnswer is what the node answers.
type ControlAnswer struct {
	Schema string `json:"schema"` // weir.node-control/1
	// Profile is a gzipped pprof profile, only in the answer to its end. In JSON it
	// is base64.
	Profile []byte `json:"profile,omitempty"`
	Error   string `json:"error,omitempty"` // empty: done
}

// SchemaControl is the schema of ControlAnswer.
const SchemaControl = "weir.node-control/1"
