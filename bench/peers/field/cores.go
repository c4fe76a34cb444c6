package field

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	zeebo "github.com/zeebo/blake3"
	lukechampine "lukechampine.com/blake3"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/hash"
)

const twoCores = 2

func coreSpecs() []Spec {
	const n, long, longer = 4096, 1 << 20, 16 << 20
	return []Spec{
		named(fmt.Sprintf("two cores: sha256_pairs n=%d", n), func() (Row, error) { return twoCorePairs(n), nil }),
		named("two cores: blake3 "+size(long), func() (Row, error) { return twoCoreBLAKE3(long) }),
		named("all cores: blake3 "+size(longer), func() (Row, error) { return allCoresBLAKE3(longer) }),
	}
}

func twoCorePairs(n int) Row {
	const passes = 32 // some milliseconds: long against starting together
	var jobs []job
	src := random(n * pairSize)
	for range twoCores {
		own := slices.Clone(src)
		jobs = append(jobs, func(dst []byte) error { return hash.SHA256Pairs(dst, own) })
	}
	row := twoCoreRow(jobs, passes, digests(pairsOf(src), sha256.Sum256))
	row.Benchmark, row.Kernel = fmt.Sprintf("SHA256PairsTwoCores/n=%d", n), "sha256_pairs"
	row.Items, row.Item, row.Bytes = n, "pair", len(src)
	return row
}

func twoCoreBLAKE3(bytes int) (Row, error) {
	const passes = 16
	msg := random(bytes)
	want, err := blake3Digests([][]byte{msg})
	if err != nil {
		return Row{}, err
	}
	var jobs []job
	for range twoCores {
		jobs = append(jobs, one(hash.BLAKE3, slices.Clone(msg)))
	}
	row := twoCoreRow(jobs, passes, want)
	row.Benchmark, row.Kernel = fmt.Sprintf("BLAKE3TwoCores/size=%d", bytes), "blake3"
	row.Items, row.Item, row.Bytes = 1, "message", bytes
	return row, nil
}

// twoCoreRow compares independent work on two cores at once with the same work
// on one: the ratio is the speed-up.
func twoCoreRow(jobs []job, passes int, want []byte) Row {
	both, alone := together(jobs, passes), together(jobs[:1], passes)
	row := Row{Row: contest.Row{
		Want: want, Procs: twoCores,
		Contestants: []contest.Contestant{
			{Name: Weir, Role: contest.Ours, Timed: both, Work: twoCores * passes, Copies: twoCores, Note: "2 cores"},
			{Name: WeirAgain, Role: contest.Control, Timed: both, Work: twoCores * passes, Copies: twoCores, Note: "2 cores"},
			{Name: WeirOnOne, Role: contest.Baseline, Timed: alone, Work: passes},
		},
	}}
	if have := runtime.GOMAXPROCS(0); have < twoCores {
		row.LeftOut = fmt.Sprintf("this process may use %d core; the row needs %d (look at GOMAXPROCS and taskset)", have, twoCores)
	}
	return row
}

// together does every job passes times, each on a goroutine of its own, and
// measures from the moment when all of them run to the end of the last one.
func together(jobs []job, passes int) func(dst []byte) (time.Duration, error) {
	return func(dst []byte) (time.Duration, error) {
		// The goroutines wait actively: being woken takes as long as a job.
		var ready, done atomic.Int32
		var start atomic.Bool
		errs := make([]error, len(jobs))
		size := len(dst) / len(jobs)
		work := func(k int) {
			for range passes {
				if err := jobs[k](dst[k*size : (k+1)*size : (k+1)*size]); err != nil {
					errs[k] = err
					return
				}
			}
		}
		others := int32(len(jobs) - 1)
		for k := 1; k < len(jobs); k++ {
			go func() {
				ready.Add(1)
				for !start.Load() {
				}
				work(k)
				done.Add(1)
			}()
		}
		for ready.Load() < others {
			runtime.Gosched()
		}
		begin := time.Now()
		start.Store(true)
		work(0)
		for done.Load() < others {
		}
		return time.Since(begin), errors.Join(errs...)
	}
}

// parallelBLAKE3 is what package hash offers for one large message and all
// cores.
func parallelBLAKE3(msg []byte) [digestSize]byte { return hash.BLAKE3Parallel(msg, 0) }

// allCoresBLAKE3 hashes one large message: ours on all cores and on one,
// lukechampine's on all, because it always takes them, and zeebo's on one.
func allCoresBLAKE3(bytes int) (Row, error) {
	msg := random(bytes)
	want, err := blake3Digests([][]byte{msg})
	if err != nil {
		return Row{}, err
	}
	procs := runtime.GOMAXPROCS(0)
	all := fmt.Sprintf("%d cores", procs)
	list := ours(one(parallelBLAKE3, msg))
	for i := range list {
		list[i].Note = all
	}
	champion := peer("lukechampine", one(lukechampine.Sum256, msg))
	champion.Note = all
	single := peer("zeebo", one(zeebo.Sum256, msg))
	single.Note = "1 core"
	list = append(list, contest.Contestant{Name: WeirOnOne, Role: contest.Baseline, Run: one(hash.BLAKE3, msg)}, champion, single)
	row := oneRow(msg, list)
	row.Want, row.Procs, row.Benchmark = want, procs, fmt.Sprintf("BLAKE3AllCores/size=%d", bytes)
	if procs < twoCores {
		row.LeftOut = "this process may use one core (look at GOMAXPROCS and taskset)"
	}
	return row, nil
}
