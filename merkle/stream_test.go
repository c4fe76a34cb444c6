package merkle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func seqOf(leaves [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var buf []byte // used again for each leaf, as a producer may
		for _, leaf := range leaves {
			buf = append(buf[:0], leaf...)
			if !yield(buf, nil) {
				return
			}
		}
	}
}

// chunks cuts data into leaves of size bytes, the last one shorter.
func chunks(data []byte, size int) [][]byte {
	return slices.Collect(slices.Chunk(data, size))
}

func checkStream(t fatalist, what string, root Hash, n uint64, err error, s *Scheme, leaves [][]byte) {
	checkStreamRoot(t, what, root, n, err, s, specRoot(s, leaves), len(leaves))
}

// checkStreamRoot is for several streams of the same leaves, whose root takes
// longer to specify than to hash.
func checkStreamRoot(t fatalist, what string, root Hash, n uint64, err error, s *Scheme, want Hash, size int) {
	if err != nil || root != want || n != uint64(size) {
		t.Fatalf("%s, %s: root %x of %d leaves, %v; want %x of %d", s.Name(), what, root, n, err, want, size)
	}
}

func TestStreamEverySize(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	eachScheme(t, func(t *testing.T, s *Scheme) {
		for n := range everySize(300) + 1 {
			leaves, data := someLeaves(s, n), someDigests(n)
			wantSeq, wantReader := specRoot(s, leaves), specRoot(s, chunks(data, HashSize))
			for _, workers := range []int{1, 3} {
				root, size, err := RootSeq(ctx, s, seqOf(leaves), workers)
				checkStreamRoot(t, "sequence", root, size, err, s, wantSeq, n)
				root, size, err = RootReader(ctx, s, bytes.NewReader(data), HashSize, workers)
				checkStreamRoot(t, "reader", root, size, err, s, wantReader, n)
			}
		}
	})
}

// Streams of many batches, whole and with some leaves more or fewer. Longer ones
// are in TestRandomSizes.
func TestStreamLarge(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	eachScheme(t, func(t *testing.T, s *Scheme) {
		for _, n := range []int{
			streamBatchLeaves - 1, streamBatchLeaves, streamBatchLeaves + 1,
			2 * streamBatchLeaves, 5*streamBatchLeaves + 77,
		} {
			if testing.Short() && n > streamBatchLeaves+1 && s != RFC6962 {
				continue
			}
			leaves, data := someLeaves(s, n), someDigests(n)
			wantSeq, wantReader := specRoot(s, leaves), specRoot(s, chunks(data, HashSize))
			for _, workers := range []int{1, 2, 5} {
				if workers == 2 && n > 2*streamBatchLeaves {
					continue // one and five are the cases that differ
				}
				root, size, err := RootSeq(ctx, s, seqOf(leaves), workers)
				checkStreamRoot(t, "sequence", root, size, err, s, wantSeq, n)
				root, size, err = RootReader(ctx, s, bytes.NewReader(data), HashSize, workers)
				checkStreamRoot(t, "reader", root, size, err, s, wantReader, n)
			}
		}
	})
}

// Leaves around a batch's bytes, short last ones, and readers that give what
// they like.
func TestStreamChunks(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	data := make([]byte, 3*streamBatchBytes+12345)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	for _, size := range []int{
		1000, 4096, 65_537, streamBatchBytes/2 + 1, streamBatchBytes - 1, streamBatchBytes,
		streamBatchBytes + 1, len(data) - 1, len(data), len(data) + 1, math.MaxInt32, math.MaxInt,
	} {
		for name, r := range map[string]io.Reader{
			"whole":    bytes.NewReader(data),
			"halves":   iotest.HalfReader(bytes.NewReader(data)),
			"data+EOF": iotest.DataErrReader(bytes.NewReader(data)),
		} {
			root, n, err := RootReader(context.Background(), RFC6962, r, size, 1+size%3)
			checkStream(t, fmt.Sprintf("chunks of %d, %s", size, name), root, n, err, RFC6962, chunks(data, size))
		}
	}
	root, n, err := RootReader(context.Background(), RFC6962, iotest.OneByteReader(bytes.NewReader(data[:5000])), 3, 2)
	checkStream(t, "byte by byte", root, n, err, RFC6962, chunks(data[:5000], 3))
}

func TestStreamRandom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var leaves [][]byte
		for i, n := 0, rapid.IntRange(0, 30).Draw(t, "leaves"); i < n; i++ {
			size := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, 2000), rapid.IntRange(0, streamBatchBytes/2),
				rapid.IntRange(streamBatchBytes-2, streamBatchBytes+2)).Draw(t, "size")
			leaves = append(leaves, bytes.Repeat([]byte{byte(i)}, size))
		}
		workers := rapid.IntRange(1, 4).Draw(t, "workers")
		root, n, err := RootSeq(context.Background(), RFC6962, seqOf(leaves), workers)
		checkStream(t, "random", root, n, err, RFC6962, leaves)
	})
}

// Ambiguous lists are found where the equal nodes are in one batch, in two, and
// at the end; the error is the Builder's, the root comes with it.
func TestStreamMutated(t *testing.T) {
	all := someLeaves(Bitcoin, 2*streamBatchLeaves)
	for name, leaves := range map[string][][]byte{
		"two leaves":     {all[0], all[0]},
		"in a batch":     slices.Concat(all[:101], all[100:101], all[102:300]),
		"the end":        slices.Concat(all[:6], all[4:6]),
		"the odd end":    slices.Concat(all[:7], all[6:7]),
		"two batches":    slices.Concat(all[:streamBatchLeaves], all[:streamBatchLeaves]),
		"after a batch":  slices.Concat(all[:streamBatchLeaves], all[:6], all[4:6]),
		"batch and part": slices.Concat(all, all[:3], all[2:3]),
	} {
		want, wantErr := NewBuilder(Bitcoin, 1).Root(leaves)
		for _, workers := range []int{1, 2} {
			got, n, err := RootSeq(context.Background(), Bitcoin, seqOf(leaves), workers)
			if !errors.Is(err, ErrMutated) || got != want || n != uint64(len(leaves)) || err.Error() != wantErr.Error() {
				t.Errorf("%s: %x, %v; want %x, %v", name, got, err, want, wantErr)
			}
		}
	}
}

func TestStreamErrors(t *testing.T) {
	broken := errors.New("cable pulled")
	data := make([]byte, 5*streamBatchBytes)
	whole := func(n int) func() io.Reader {
		return func() io.Reader { return bytes.NewReader(data[:n]) }
	}
	failing := func(after int) func() io.Reader {
		return func() io.Reader {
			return io.MultiReader(bytes.NewReader(data[:after]), iotest.ErrReader(broken))
		}
	}
	ctx := context.Background()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for name, tc := range map[string]struct {
		ctx    context.Context
		scheme *Scheme
		r      func() io.Reader
		size   int
		want   error
	}{
		"no scheme":            {ctx, nil, whole(0), 1, ErrScheme},
		"size 0":               {ctx, RFC6962, whole(0), 0, ErrLeafSize},
		"negative size":        {ctx, RFC6962, whole(0), -1, ErrLeafSize},
		"bitcoin, 33":          {ctx, Bitcoin, whole(0), 33, ErrLeafSize},
		"bitcoin, short":       {ctx, Bitcoin, whole(95), 32, ErrLeafSize},
		"fails at once":        {ctx, RFC6962, failing(0), 100, broken},
		"fails in a batch":     {ctx, RFC6962, failing(1234), 100, broken},
		"fails later":          {ctx, RFC6962, failing(4*streamBatchBytes + 7), 100, broken},
		"gives nothing":        {ctx, RFC6962, func() io.Reader { return idleReader{} }, 100, io.ErrNoProgress},
		"cancelled":            {cancelled, RFC6962, whole(len(data)), 100, context.Canceled},
		"cancelled, one batch": {cancelled, RFC6962, whole(10), 100, context.Canceled},
		"second read":          {ctx, RFC6962, func() io.Reader { return iotest.TimeoutReader(bytes.NewReader(data)) }, 100, iotest.ErrTimeout},
	} {
		for _, workers := range []int{1, 3} {
			root, n, err := RootReader(tc.ctx, tc.scheme, tc.r(), tc.size, workers)
			if !errors.Is(err, tc.want) || root != (Hash{}) || n != 0 {
				t.Errorf("%s, %d workers: root %x of %d leaves, %v; want %v", name, workers, root, n, err, tc.want)
			}
		}
	}
	if _, _, err := RootSeq(ctx, nil, seqOf(nil), 1); !errors.Is(err, ErrScheme) {
		t.Errorf("no scheme: %v", err)
	}
	_, _, err := RootSeq(ctx, Bitcoin, seqOf([][]byte{data[:32], data[:31]}), 1)
	if !errors.Is(err, ErrLeafSize) || !bytes.Contains([]byte(err.Error()), []byte("leaf 1:")) {
		t.Errorf("short leaf: %v", err)
	}
	_, _, err = RootSeq(ctx, RFC6962, func(yield func([]byte, error) bool) {
		if yield(data[:9], nil) {
			yield(nil, broken)
		}
	}, 2)
	if !errors.Is(err, broken) {
		t.Errorf("sequence that fails: %v", err)
	}
}

type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }

// A cancellation in the middle stops reading, at the latest after the batches
// that there is room for.
func TestStreamCancelMidway(t *testing.T) {
	for _, workers := range []int{1, 4} {
		ctx, cancel := context.WithCancel(context.Background())
		read := 0
		r := readerFunc(func(p []byte) (int, error) {
			read += len(p)
			cancel()
			return len(p), nil
		})
		if _, _, err := RootReader(ctx, RFC6962, r, 64, workers); !errors.Is(err, context.Canceled) {
			t.Errorf("%d workers: %v", workers, err)
		}
		if read > 2*streamBatchBytes {
			t.Errorf("%d workers: %d bytes were read after the cancellation", workers, read)
		}
		cancel()
	}
}

// Goroutines end also where the producer panics; TestMain looks for them.
func TestStreamPanic(t *testing.T) {
	defer func() {
		if r := recover(); r != "producer" {
			t.Errorf("recovered %v", r)
		}
	}()
	leaf := make([]byte, streamBatchBytes)
	_, _, err := RootSeq(context.Background(), RFC6962, func(yield func([]byte, error) bool) {
		for range 5 {
			yield(leaf, nil)
		}
		panic("producer")
	}, 3)
	t.Errorf("no panic, %v", err)
}

func TestReceiveLeaves(t *testing.T) {
	leaves := someLeaves(RFC6962, 1000)
	ch := make(chan []byte)
	go func() {
		defer close(ch)
		for _, leaf := range leaves {
			ch <- leaf
		}
	}()
	root, n, err := RootSeq(t.Context(), RFC6962, ReceiveLeaves(t.Context(), ch), 2)
	checkStream(t, "channel", root, n, err, RFC6962, leaves)

	ctx, cancel := context.WithCancel(t.Context())
	silent := make(chan []byte, 1)
	silent <- leaves[1]
	seq := ReceiveLeaves(ctx, silent)
	_, _, err = RootSeq(t.Context(), RFC6962, func(yield func([]byte, error) bool) {
		seq(func(leaf []byte, err error) bool {
			cancel() // while the next leaf never comes
			return yield(leaf, err)
		})
	}, 1)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// However long the stream, a few buffers are all it takes.
func TestStreamMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector counts its own allocations")
	}
	result := func(bytesRead int64) float64 {
		return testing.AllocsPerRun(3, func() {
			r := io.LimitReader(zeroReader{}, bytesRead)
			if _, n, err := RootReader(context.Background(), RFC6962, r, 128, 1); err != nil || n != uint64(bytesRead/128) {
				t.Fatalf("%d leaves, %v", n, err)
			}
		})
	}
	if short, long := result(2<<20), result(32<<20); long > short {
		t.Errorf("2 MiB take %v allocations, 32 MiB %v", short, long)
	}
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func BenchmarkStream(b *testing.B) {
	const total = 64 << 20
	data := make([]byte, total)
	for i := range data {
		data[i] = byte(i >> 5)
	}
	for _, size := range []int{32, 200, 4096} {
		for _, workers := range []int{1, 2} {
			n := total / size
			b.Run(fmt.Sprintf("bytes=%d/workers=%d", size, workers), func(b *testing.B) {
				want, err := NewBuilder(RFC6962, 0).RootRecords(data[:n*size], size)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(n * size))
				b.ReportAllocs()
				for b.Loop() {
					got, _, err := RootReader(context.Background(), RFC6962, bytes.NewReader(data[:n*size]), size, workers)
					if err != nil || got != want {
						b.Fatalf("root %x, %v; want %x", got, err, want)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/leaf")
			})
			b.Run(fmt.Sprintf("bytes=%d/workers=%d/builder", size, workers), func(b *testing.B) {
				builder := NewBuilder(RFC6962, workers)
				b.SetBytes(int64(n * size))
				for b.Loop() {
					if _, err := builder.RootRecords(data[:n*size], size); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/leaf")
			})
		}
	}
}

// A stream of more leaves than its list may have ends when that is known, not
// when the stream does.
func TestStreamEndsAtTheLimit(t *testing.T) {
	for _, limit := range []uint64{4, 2*streamBatchLeaves - 1} {
		for _, workers := range []int{1, 3} {
			var taken uint64
			endless := func(yield func([]byte, error) bool) {
				for yield(make([]byte, HashSize), nil) {
					taken++
				}
			}
			if _, _, err := RootSeq(context.Background(), SSZLimit(limit), endless, workers); !errors.Is(err, ErrLimit) {
				t.Errorf("limit %d: %v", limit, err)
			}
			if most := limit + 2*streamBatchLeaves; taken > most {
				t.Errorf("limit %d: %d leaves were taken, want at most %d", limit, taken, most)
			}
		}
	}
}
