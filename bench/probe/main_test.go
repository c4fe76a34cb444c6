package probe

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// roleEnv makes the test binary, started again with other rights, run one
// function instead of the tests.
const roleEnv = "WEIR_PROBE_TEST_ROLE"

var roles = map[string]func() int{}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(roles[role]())
	}
	goleak.VerifyTestMain(m)
}
