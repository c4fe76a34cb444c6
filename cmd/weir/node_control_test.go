package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/chainweir/weir/bench"
)

// control sends lines to a node and returns its answers.
func control(t *testing.T, lines string) []bench.ControlAnswer {
	t.Helper()
	var out bytes.Buffer
	serveControl(strings.NewReader(lines), &out)
	var answers []bench.ControlAnswer
	for dec := json.NewDecoder(&out); dec.More(); {
		var a bench.ControlAnswer
		if err := dec.Decode(&a); err != nil {
			t.Fatal(err)
		}
		if a.Schema != bench.SchemaControl {
			t.Errorf("schema %q", a.Schema)
		}
		answers = append(answers, a)
	}
	return answers
}

func TestControlTakesProfiles(t *testing.T) {
	a := control(t, "profile\nprofile end\nprofile\nprofile end\n")
	if len(a) != 4 {
		t.Fatalf("%d answers", len(a))
	}
	for i, one := range a {
		if one.Error != "" || (len(one.Profile) > 0) != (i%2 == 1) {
			t.Errorf("answer %d: %d bytes, %q", i+1, len(one.Profile), one.Error)
		}
		if i%2 == 1 {
			if _, err := profile.ParseData(one.Profile); err != nil {
				t.Errorf("answer %d: %v", i+1, err)
			}
		}
	}
}

func TestControlRefuses(t *testing.T) {
	for lines, want := range map[string]int{
		"profile end\n": 1, "what\n\n": 2, "profile\nprofile\n": 2, strings.Repeat("x", 4096) + "\nprofile\n": 0, "": 0,
	} {
		a := control(t, lines)
		if len(a) != want || want > 0 && !strings.Contains(a[want-1].Error, "is not a command now") {
			t.Errorf("%.20q: %+v", lines, a)
		}
	}
	// A profile under way ends with its reader: the next one can be taken.
	if a := control(t, "profile\nprofile end"); len(a) != 2 || a[0].Error != "" || a[1].Error != "" {
		t.Errorf("after an end in the middle of a profile: %+v", a)
	}
}
