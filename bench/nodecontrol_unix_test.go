//go:build unix

package bench

import (
	"strings"
	"testing"

	"github.com/chainweir/weir/bench/knee"
)

// answering is a node that answers every line with the given text.
func answering(text string) string {
	return readyLine + `; while read -r line; do echo '` + text + `'; done`
}

func TestAskTheNode(t *testing.T) {
	for _, c := range []struct{ name, script, profile, err string }{
		{"done", answering(`{"schema":"weir.node-control/1"}`), "", ""},
		{"a profile", answering(`{"schema":"weir.node-control/1","profile":"aGVsbG8="}`), "hello", ""},
		{"a refusal", answering(`{"schema":"weir.node-control/1","error":"no room"}`), "", "no room"},
		{"gone", readyLine + "; read -r line; exit 0", "", "ended before it answered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := startNode(t.Context(), fakeNode(t, c.script), "data", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.ask(ControlProfile)
			if string(got) != c.profile || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v", got, err)
			}
			if err := p.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestProfileOnlyWhereItIsWanted: confirmations of our own node, nothing else.
func TestProfileOnlyWhereItIsWanted(t *testing.T) {
	own := &target{own: &ownNode{proc: &nodeProc{}}}
	for _, c := range []struct {
		t     *target
		phase knee.Phase
		want  bool
	}{
		{own, knee.Confirm, true}, {own, knee.Explore, false}, {own, knee.Bisect, false}, {own, knee.LatencyOnly, false},
		{&target{}, knee.Confirm, false}, {&target{own: &ownNode{}}, knee.Confirm, false},
	} {
		r := &trials{t: c.t, profiles: map[int][]byte{}}
		if got := r.profiled(&knee.TrialSpec{Phase: c.phase}); got != c.want {
			t.Errorf("phase %v: %v, want %v", c.phase, got, c.want)
		}
	}
}
