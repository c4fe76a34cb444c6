package cpu

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestHost(t *testing.T) {
	id := Host()
	if id.Arch != runtime.GOARCH {
		t.Errorf("arch %q, want %q", id.Arch, runtime.GOARCH)
	}
	if !slices.IsSorted(id.Features) {
		t.Errorf("features are not sorted: %v", id.Features)
	}
	if runtime.GOARCH == "amd64" && (id.Vendor == "" || id.Family == 0 || !slices.Contains(id.Features, "SSE2")) {
		t.Errorf("an amd64 processor has a vendor, a family and SSE2; got %+v", id)
	}
	if len(id.Features) > 0 {
		id.Features[0] = "changed"
		if Host().Features[0] == "changed" {
			t.Error("Host hands out its own slice")
		}
	}
}

func TestKeyTellsProcessorsApart(t *testing.T) {
	base := Identity{Arch: "amd64", Vendor: "AuthenticAMD", Family: 25, Model: 17, Stepping: 1, Features: []string{"AVX2", "SHA"}}
	keys := []string{base.Key()}
	for _, change := range []func(*Identity){
		func(id *Identity) { id.Arch = "arm64" },
		func(id *Identity) { id.Vendor = "" },
		func(id *Identity) { id.Family = 26 },
		func(id *Identity) { id.Model = 1 },
		func(id *Identity) { id.Stepping = 2 },
		func(id *Identity) { id.Features = []string{"AVX2"} },
	} {
		id := base
		change(&id)
		if slices.Contains(keys, id.Key()) {
			t.Errorf("key %s stands for two processors", id.Key())
		}
		keys = append(keys, id.Key())
	}
	other := base
	other.Brand = "Some Marketing Name"
	if other.Key() != base.Key() {
		t.Error("the key depends on the marketing name")
	}
	if strings.ContainsAny(base.Key(), " /\\") {
		t.Errorf("key %q is not one word", base.Key())
	}
}

func TestMissing(t *testing.T) {
	if got := Missing("NO_SUCH_FEATURE"); len(got) != 1 {
		t.Errorf("an unknown feature is not missing: %v", got)
	}
	if got := Requires(Host().Features...); got != "" {
		t.Errorf("the processor lacks what it lists: %s", got)
	}
	if got := Requires("NO_SUCH_FEATURE"); !strings.Contains(got, "NO_SUCH_FEATURE") {
		t.Errorf("reason %q does not name the feature", got)
	}
}
