package core_test

import (
	"os"
	"testing"
)

// faultsEnv asks for the full number of kills, crashes and connections: see
// `make test-faults`. The same tests run with small numbers otherwise.
const faultsEnv = "WEIR_FAULTS"

// times is how often a fault is tried: few in `make test`, many in
// `make test-faults`.
func times(t testing.TB, few, many int) int {
	t.Helper()
	n := few
	if os.Getenv(faultsEnv) == "1" {
		n = many
	}
	t.Logf("%d times", n)
	return n
}
