package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

// TestSoakExitCodes: a steady soak at a share of a knee that was never found is
// no pass.
func TestSoakExitCodes(t *testing.T) {
	for _, c := range []struct {
		verdict string
		valid   bool
		code    int
		want    string
	}{
		{results.SoakSteady, true, exitOK, ""},
		{results.SoakImproves, true, exitOK, ""},
		{results.SoakSteady, false, exitInconclusive, "search before it is INVALID"},
		{results.SoakImproves, false, exitInconclusive, "--soak-rate"},
		{results.SoakDrifts, false, exitFailed, "the soak drifts: why"},
		{results.SoakFails, true, exitFailed, "the soak fails: why"},
		{results.SoakInconclusive, false, exitInconclusive, "the soak is inconclusive: why"},
	} {
		err := soakError(&results.Summary{Valid: c.valid, Soak: &results.Soak{Verdict: c.verdict, Reason: "why"}})
		var exit *exitError
		code := exitOK
		if errors.As(err, &exit) {
			code = exit.code
		}
		if code != c.code || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, valid %v: exit code %d, %v; want %d", c.verdict, c.valid, code, err, c.code)
		}
	}
}
