package hash

import (
	gohash "hash"

	"github.com/chainweir/weir/asm/cpu"
)

// Implementation is one implementation of one kernel, for tests and
// benchmarks that want it whatever the choice is. Others call the package's
// functions.
//
// The functions beside Kernel's shape are nil, and those of an implementation
// that is not available all are: its instructions would end the program.
type Implementation struct {
	Kernel      string
	Name        string
	Unavailable string // why it cannot run here, in words; empty when it can

	One     func(msg []byte) [Size]byte                        // sha256, sha256_stream, blake3
	Stream  func() gohash.Hash                                 // sha256_stream
	Pairs   func(dst, src []byte) error                        // sha256_pairs, sha256_nodes, sha256d_pairs, blake3_parents
	Chunks  func(dst, src []byte, counter uint64) error        // blake3_chunks
	Many    func(dst []byte, msgs [][]byte) error              // sha256_many, blake3_many
	Leaves  func(dst []byte, msgs [][]byte) error              // sha256_many
	Records func(dst, src []byte, size int, prefix byte) error // sha256_many
}

// Implementations lists every registered implementation of every kernel. The
// first one of each kernel is its specification. Kernels that follow another
// and have the same functions, such as "sha256_many_long", are not listed.
func Implementations() []Implementation {
	var list []Implementation
	add := func(k *cpu.Kernel, bind func(*Implementation, int)) {
		for i, impl := range k.Impls() {
			im := Implementation{Kernel: k.Name(), Name: impl.Name, Unavailable: impl.Unavailable}
			if impl.Unavailable == "" {
				bind(&im, i)
			}
			list = append(list, im)
		}
	}
	add(kernelSHA256, func(im *Implementation, i int) { im.One = bindOne(sum256, i) })
	add(kernelStream, func(im *Implementation, i int) {
		im.Stream = func() gohash.Hash { return newStream(i) }
		im.One = func(msg []byte) [Size]byte {
			h := newStream(i)
			h.Write(msg)
			return [Size]byte(h.Sum(nil))
		}
	})
	add(kernelPairs, func(im *Implementation, i int) { im.Pairs = bindPairs(pairs, i) })
	add(kernelNodes, func(im *Implementation, i int) { im.Pairs = bindPairs(nodes, i) })
	add(kernelDPairs, func(im *Implementation, i int) { im.Pairs = bindPairs(dpairs, i) })
	add(kernelMany, func(im *Implementation, i int) {
		im.Many, im.Leaves, im.Records = bindMany(many, i), bindMany(leaves, i), bindRecords(i)
	})
	add(kernelBLAKE3, func(im *Implementation, i int) { im.One = bindOne(sumBLAKE3, i) })
	add(kernelBLAKE3Many, func(im *Implementation, i int) { im.Many = bindMany(blake3Many, i) })
	add(kernelBLAKE3Chunks, func(im *Implementation, i int) { im.Chunks = bindChunks(i) })
	add(kernelBLAKE3Parents, func(im *Implementation, i int) { im.Pairs = bindPairs(blake3Parents, i) })
	return list
}

// Dispatched names the implementation that the package's functions take for a
// call of a kernel's with n items of size bytes, measuring first where that was
// not done yet; "" if there is no such kernel.
func Dispatched(kernel string, n, size int) string {
	k, err := cpu.Kernels.Kernel(kernel)
	if err != nil {
		return ""
	}
	var impl int
	switch {
	case k == kernelSHA256 || k == kernelBLAKE3:
		impl = k.PickSettled(size)
	case k == kernelStream:
		impl = k.PickSettled(streamSize)
	case k == kernelMany && size >= longMean:
		impl = kernelManyLong.PickSettled(n)
	case k == kernelBLAKE3Many && size > BLAKE3ChunkSize:
		impl = kernelBLAKE3.PickSettled(size)
	default:
		impl = k.PickSettled(n)
	}
	return k.Impls()[impl].Name
}

func bindOne(sum func(int, []byte) [Size]byte, impl int) func([]byte) [Size]byte {
	return func(msg []byte) [Size]byte { return sum(impl, msg) }
}

func bindPairs(hash func(int, []byte, []byte), impl int) func(dst, src []byte) error {
	return func(dst, src []byte) error {
		if err := checkPairs(dst, src); err != nil {
			return err
		}
		hash(impl, dst, src)
		return nil
	}
}

func bindChunks(impl int) func(dst, src []byte, counter uint64) error {
	return func(dst, src []byte, counter uint64) error {
		if err := checkChunks(dst, src); err != nil {
			return err
		}
		blake3Chunks(impl, dst, src, counter)
		return nil
	}
}

func bindMany(hash func(int, []byte, [][]byte), impl int) func([]byte, [][]byte) error {
	return func(dst []byte, msgs [][]byte) error {
		if err := checkMany(dst, len(msgs)); err != nil {
			return err
		}
		hash(impl, dst, msgs)
		return nil
	}
}

func bindRecords(impl int) func(dst, src []byte, size int, prefix byte) error {
	return func(dst, src []byte, size int, prefix byte) error {
		if err := checkRecords(dst, src, size); err != nil {
			return err
		}
		records(impl, dst, src, size, prefix)
		return nil
	}
}
