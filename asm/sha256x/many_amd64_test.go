//go:build amd64 && gc && !purego

package sha256x

import "testing"

func TestAVX512Many(t *testing.T) {
	if why := ManyAVX512Unavailable(); why != "" {
		t.Skip(why)
	}
	checkMany(t, manyImpl{ManyAVX512, PrefixedAVX512, RecordsAVX512})
}

func TestSHANIMany(t *testing.T) {
	if why := ManySHANIUnavailable(); why != "" {
		t.Skip(why)
	}
	checkMany(t, manyImpl{ManySHANI, PrefixedSHANI, RecordsSHANI})
}

// The lanes of a processor that has AVX-512 but not SHA-NI.
func TestAVX512ManyAlone(t *testing.T) {
	if why := ManyAVX512Unavailable(); why != "" {
		t.Skip(why)
	}
	had := haveStreams
	haveStreams = false
	defer func() { haveStreams = had }()
	checkMany(t, manyImpl{ManyAVX512, PrefixedAVX512, RecordsAVX512})
}

func BenchmarkManyAVX512(b *testing.B) {
	if why := ManyAVX512Unavailable(); why != "" {
		b.Skip(why)
	}
	benchmarkMany(b, ManyAVX512)
}

func BenchmarkManySHANI(b *testing.B) {
	if why := ManySHANIUnavailable(); why != "" {
		b.Skip(why)
	}
	benchmarkMany(b, ManySHANI)
}
