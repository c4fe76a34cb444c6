package core

import (
	"context"
	"runtime/pprof"
)

// LabelStage is the key of the profiler label that names a goroutine's stage. A
// processor profile of the node can be divided by it: go tool pprof -tags.
const LabelStage = "weir_stage"

// labelled returns f with the stage's label on its goroutine and on those that
// it starts. It is set once per goroutine, so it costs a transaction nothing.
func labelled(stage string, f func()) func() {
	return func() {
		pprof.Do(context.Background(), pprof.Labels(LabelStage, stage), func(context.Context) { f() })
	}
}
