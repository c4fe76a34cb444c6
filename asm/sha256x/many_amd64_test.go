//go:build amd64 && gc && !purego

package sha256x

import (
	"bytes"
	"math"
	"testing"
)

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
	haveStreams = func() bool { return false }
	defer func() { haveStreams = had }()
	checkMany(t, manyImpl{ManyAVX512, PrefixedAVX512, RecordsAVX512})
}

// Lengths so far apart, 4 to 500 KB in equal ratios, that no 32 messages in the
// pool are alike: it fills up with outliers and has to hash them all the same.
func TestManyOutliers(t *testing.T) {
	src := randomBytes(6, 500_000)
	msgs := make([][]byte, 2*poolSize+100)
	for i := range msgs {
		step := float64(i*7%poolSize) / poolSize
		msgs[i] = src[i%50:][:int(4096*math.Pow(120, step))]
	}
	checkAvailable(t, func(f manyImpl) { compareMany(t, f, msgs) })
}

// More messages than the pool can number.
func TestManyRuns(t *testing.T) {
	src := randomBytes(8, 100)
	kinds := [][]byte{src[:10], src[:55], src[:56], src[3:100]}
	msgs := make([][]byte, poolRun+3*laneMax+5)
	dst := make([]byte, len(msgs)*Size)
	for _, mixed := range []bool{false, true} {
		want := make([][Size]byte, len(msgs))
		for i := range msgs {
			kind := kinds[0]
			if mixed {
				kind = kinds[i*i%7%len(kinds)]
			}
			msgs[i], want[i] = kind, digestOf(kind, noByte)
		}
		checkAvailable(t, func(f manyImpl) {
			clear(dst)
			f.many(dst, msgs)
			for i := range want {
				if !bytes.Equal(dst[i*Size:][:Size], want[i][:]) {
					t.Fatalf("mixed %v: digest %d of %d is wrong", mixed, i, len(msgs))
				}
			}
		})
	}
}

// checkAvailable checks what this processor can run of this file's kernels.
func checkAvailable(t *testing.T, check func(manyImpl)) {
	t.Helper()
	ran := false
	for _, f := range []struct {
		unavailable string
		impl        manyImpl
	}{
		{ManyAVX512Unavailable(), manyImpl{ManyAVX512, PrefixedAVX512, RecordsAVX512}},
		{ManySHANIUnavailable(), manyImpl{ManySHANI, PrefixedSHANI, RecordsSHANI}},
	} {
		if f.unavailable != "" {
			t.Log(f.unavailable)
			continue
		}
		check(f.impl)
		ran = true
	}
	if !ran {
		t.Skip("this processor offers neither AVX-512 nor SHA-NI")
	}
}

func BenchmarkManyAVX512(b *testing.B) {
	if why := ManyAVX512Unavailable(); why != "" {
		b.Skip(why)
	}
	benchmarkMany(b, ManyAVX512)
	b.Run("prefixed/1024x200B", func(b *testing.B) {
		timeMany(b, func(dst []byte, msgs [][]byte) { PrefixedAVX512(dst, msgs, 0) }, equalMessages(1024, 200))
	})
	b.Run("records/1024x200B", func(b *testing.B) {
		src := randomBytes(1, 1024*200)
		timeMany(b, func(dst []byte, _ [][]byte) { RecordsAVX512(dst, src, 200, 0) }, equalMessages(1024, 200))
	})
}

func BenchmarkManySHANI(b *testing.B) {
	if why := ManySHANIUnavailable(); why != "" {
		b.Skip(why)
	}
	benchmarkMany(b, ManySHANI)
}
