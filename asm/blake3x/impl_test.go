package blake3x

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/chainweir/weir/internal/guard"
)

// TestImpls holds every implementation to the specification, through the
// functions that switch between them.
func TestImpls(t *testing.T) {
	for _, impl := range Impls() {
		t.Run(impl.String(), func(t *testing.T) {
			if why := impl.Unavailable(); why != "" {
				t.Skip(why)
			}
			checkChunks(t, func(dst, src []byte, key *[8]uint32, counter uint64, flags uint32) {
				Chunks(impl, dst, src, key, counter, flags)
			})
			checkParents(t, func(dst, src []byte, key *[8]uint32, flags uint32) {
				Parents(impl, dst, src, key, flags)
			})
			checkImplChunk(t, impl)
			checkImplCompress(t, impl)
			checkImplMany(t, impl)
			checkImplXOF(t, impl)
		})
	}
}

func TestImplNames(t *testing.T) {
	seen := map[string]bool{}
	for i, impl := range Impls() {
		if int(impl) != i || impl.String() == "unknown" || seen[impl.String()] {
			t.Errorf("implementation %d is number %d, named %q", i, impl, impl)
		}
		seen[impl.String()] = true
	}
	if why := Generic.Unavailable(); why != "" {
		t.Errorf("the specification is said not to run here: %s", why)
	}
	if Impl(len(seen)).String() != "unknown" {
		t.Errorf("number %d has a name, but is not listed", len(seen))
	}
}

// TestWordsAndBytes holds the wide copies to the specification's way.
func TestWordsAndBytes(t *testing.T) {
	b := randomBytes(4, BlockSize)
	words := Words((*[BlockSize]byte)(b))
	if got := Block((*[BlockSize]byte)(b)); got != words {
		t.Errorf("Block %x, want %x", got, words)
	}
	if got := Value((*[Size]byte)(b)); got != [8]uint32(words[:8]) {
		t.Errorf("Value %x, want %x", got, words[:8])
	}
	if got := Bytes((*[8]uint32)(words[:8])); got != [Size]byte(b) {
		t.Errorf("Bytes %x, want %x", got, b[:Size])
	}
}

func checkImplChunk(t *testing.T, impl Impl) {
	t.Helper()
	buf := guard.Bytes(t, ChunkSize, false)
	copy(buf, randomBytes(3, ChunkSize))
	for n := range ChunkSize + 1 {
		for _, flags := range []uint32{0, Root, KeyedHash | Root} {
			chunk := buf[ChunkSize-n:]
			got, want := Chunk(impl, chunk, &testKey, 1<<40+3, flags), ChunkGeneric(chunk, &testKey, 1<<40+3, flags)
			if got != want {
				t.Fatalf("chunk of %d bytes, flags %#x: %x, want %x", n, flags, got, want)
			}
		}
	}
}

func checkImplCompress(t *testing.T, impl Impl) {
	t.Helper()
	for n := range uint32(100) {
		block := Words((*[BlockSize]byte)(randomBytes(uint64(n), BlockSize)))
		counter := uint64(n) << (n % 60)
		got := Compress(impl, &testKey, &block, counter, n%65, n)
		if want := CompressGeneric(&testKey, &block, counter, n%65, n); got != want {
			t.Fatalf("compression %d: %x, want %x", n, got, want)
		}
	}
}

func checkImplMany(t *testing.T, impl Impl) {
	t.Helper()
	all := randomBytes(1, ChunkSize+300)
	for n := range 70 {
		msgs := make([][]byte, n)
		for i := range msgs {
			msgs[i] = all[i : i+(i*i*97+n*31)%(ChunkSize+1)]
		}
		compareBatch(t, fmt.Sprintf("%d messages", n), all, n, n%65,
			func(dst, _ []byte) { Many(impl, dst, msgs, &testKey, KeyedHash) },
			func(dst, _ []byte) { ManyGeneric(dst, msgs, &testKey, KeyedHash) })
	}
}

func checkImplXOF(t *testing.T, impl Impl) {
	t.Helper()
	block := Words((*[BlockSize]byte)(randomBytes(2, BlockSize)))
	const most = 40 * BlockSize
	buf := guard.Bytes(t, most, false)
	for n := range most + 1 {
		got, want := buf[most-n:], make([]byte, n)
		clear(got)
		counter := uint64(1<<32 - 3)
		XOF(impl, got, &testKey, &block, counter, uint32(n%65), Parent)
		XOFGeneric(want, &testKey, &block, counter, uint32(n%65), Parent)
		if !bytes.Equal(got, want) {
			t.Fatalf("output of %d bytes is wrong", n)
		}
	}
}
