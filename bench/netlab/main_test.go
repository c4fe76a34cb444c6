package netlab_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/chainweir/weir/bench/netlab"
)

func TestMain(m *testing.M) {
	netlab.MaybeRunHolder()
	runTestRole()
	goleak.VerifyTestMain(m)
}
