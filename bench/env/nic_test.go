package env

import (
	"testing"
	"testing/fstest"
)

func TestNominalSpeed(t *testing.T) {
	for _, c := range []struct {
		mbit   int64
		driver string
		want   float64 // 0: unknown
	}{
		{1000, "e1000e", 1e9}, {400000, "mlx5_core", 4e11}, {-1, "virtio_net", 0}, {0, "x", 0},
		{65535, "x", 0}, {4294967295, "x", 0}, {10000, "veth", 0}, {10, "tun", 0},
	} {
		got := nominalSpeed(&c.mbit, c.driver)
		if (got == nil) != (c.want == 0) || (got != nil && *got != c.want) {
			t.Errorf("%d %s: %v", c.mbit, c.driver, got)
		}
	}
	if got := nominalSpeed(nil, ""); got != nil {
		t.Errorf("no file: %v", *got)
	}
}

func TestNICNameIsNotAPath(t *testing.T) {
	fsys := fstest.MapFS{"sys/class/secret/mtu": file("1500")}
	if nic := readNIC(source{fsys}, "../secret"); nic.MTUBytes != nil {
		t.Errorf("%+v", nic)
	}
}
