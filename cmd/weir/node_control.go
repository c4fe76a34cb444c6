package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime/pprof"

	"github.com/chainweir/weir/bench"
)

// serveControl answers the measuring run that started this node, line by line,
// until in ends. It is how a profile covers exactly the trial that is measured,
// without a port that anybody else could ask.
func serveControl(in io.Reader, out io.Writer) {
	var profile *bytes.Buffer // of the profile under way
	defer func() {
		if profile != nil {
			pprof.StopCPUProfile()
		}
	}()
	enc := json.NewEncoder(out)
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, bench.MaxControlLine), bench.MaxControlLine)
	for lines.Scan() {
		a := bench.ControlAnswer{Schema: bench.SchemaControl}
		switch line := lines.Text(); {
		case line == bench.ControlProfile && profile == nil:
			profile = new(bytes.Buffer)
			if err := pprof.StartCPUProfile(profile); err != nil {
				a.Error, profile = err.Error(), nil
			}
		case line == bench.ControlProfileEnd && profile != nil:
			pprof.StopCPUProfile()
			a.Profile, profile = profile.Bytes(), nil
		default:
			a.Error = fmt.Sprintf("%q is not a command now; known are %q and then %q", line, bench.ControlProfile, bench.ControlProfileEnd)
		}
		if enc.Encode(a) != nil {
			break
		}
	}
	// A line that is too long, or nobody to read the answers: nothing more to obey,
	// but the end of stdin is still the end.
	_, _ = io.Copy(io.Discard, in)
}
