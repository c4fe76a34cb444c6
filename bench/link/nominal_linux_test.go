package link

import (
	"errors"
	"testing"
)

func TestNominalOfLoopback(t *testing.T) {
	n, err := Nominal("lo")
	if errors.Is(err, ErrNoInterface) {
		t.Skipf("this machine shows no lo in /sys/class/net: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n.SpeedBitsPerSec != nil || !n.Virtual || n.MTU <= 0 {
		t.Errorf("lo is %+v, want a virtual device of unknown speed", n)
	}
}
