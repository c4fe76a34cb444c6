package restrict

import (
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	if err := Check([]string{"avx512", "sha", "avx2"}); err != nil {
		t.Error(err)
	}
	if err := Check([]string{"sha", "mmx"}); err == nil || !strings.Contains(err.Error(), `"mmx"`) || !strings.Contains(err.Error(), "avx512, sha, avx2") {
		t.Errorf("error %v, want one that names mmx and what there is", err)
	}
}

func TestEnviron(t *testing.T) {
	got := Environ([]string{"A=b", "GODEBUG=x=1"}, []string{"sha", "avx2"})
	want := []string{"A=b", "GODEBUG=x=1", "WEIR_HASHPEERS_WITHOUT=sha,avx2", "GODEBUG=x=1,cpu.sha=off,cpu.avx2=off"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestNothingIsHiddenUnasked: this process did not ask.
func TestNothingIsHiddenUnasked(t *testing.T) {
	if h := Hidden(); len(h) > 0 {
		t.Errorf("hidden: %v", h)
	}
}
