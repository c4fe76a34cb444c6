package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/results"
)

func TestClassify(t *testing.T) {
	const (
		voi    = "github.com/oasisprotocol/curve25519-voi/internal/field.fePow2k"
		verify = "github.com/chainweir/weir/core/verify.Groups"
		loop   = "github.com/chainweir/weir/core.(*Node).verifyLoop"
		sys    = "internal/runtime/syscall/linux.Syscall6"
	)
	for _, c := range []struct {
		stack  string // innermost first
		class  string
		kernel bool
	}{
		{voi + " " + verify + " " + loop, classSignatures, false},
		{"crypto/internal/fips140/sha512.blockAVX2 crypto/sha512.(*digest).Write " + verify, classSignatures, false},
		{"runtime.memmove " + verify + " " + loop, classSignatures, false},
		{"github.com/chainweir/weir/asm/sha256x.shaniNodesRun github.com/chainweir/weir/merkle.(*Builder).RootOf", classHashing, false},
		{"crypto/internal/fips140/sha256.blockSHANI crypto/sha256.Sum256 github.com/chainweir/weir/core/state.(*State).Root", classHashing, false},
		{"github.com/chainweir/weir/core/state.(*State).Execute github.com/chainweir/weir/core.(*Node).execute", classState, false},
		{"runtime.mapaccess2_fast32 github.com/chainweir/weir/core/mempool.(*Pool).Admit", classAdmission, false},
		{"github.com/chainweir/weir/core/wire.ParseHeader github.com/chainweir/weir/core/rpc.(*conn).read", classCodec, false},
		{"github.com/chainweir/weir/core/rpc/grpcapi.(*stream).receive", classCodec, false},
		{"slices.Sort github.com/chainweir/weir/core.(*Node).Stats", classPipeline, false},
		{"github.com/chainweir/weir/core/engine/solo.(*Engine).run runtime/pprof.Do", classOrder, false},
		{"hash/crc32.update github.com/chainweir/weir/core/store.(*Log).Append", classLog, false},
		{sys + " syscall.RawSyscall6 syscall.Syscall syscall.write internal/poll.(*FD).Write net.(*conn).Write", classTCP, true},
		{sys + " syscall.Syscall golang.org/x/sys/unix.Fdatasync github.com/chainweir/weir/core/store.osFile.Datasync", classDisk, true},
		{sys + " syscall.pwrite internal/poll.(*FD).Pwrite os.(*File).WriteAt", classDisk, true},
		{"internal/runtime/syscall/linux.EpollWait runtime.netpoll runtime.findRunnable runtime.schedule", classTCP, true},
		{"syscall.Getrusage github.com/chainweir/weir/core.processCPU", classKernel, true},
		{"runtime.futex runtime.futexwakeup runtime.notewakeup", classScheduler, true},
		{"runtime.procyield runtime.lock2 runtime.findRunnable runtime.schedule", classScheduler, false},
		{"runtime.selectgo github.com/chainweir/weir/core/engine/solo.(*Engine).run", classScheduler, false},
		{"runtime.scanobject runtime.gcDrain runtime.gcBgMarkWorker", classGC, false},
		{"runtime.memclrNoHeapPointers runtime.mallocgc github.com/chainweir/weir/core/rpc.(*conn).submit", classGC, false},
		{"runtime.madvise runtime.sysUnused runtime.bgscavenge", classGC, true},
		{"internal/poll.(*fdMutex).rwlock net.(*conn).Read", classNet, false},
		{"runtime.nanotime", classRuntime, false},
		{"github.com/somebody/else.F", classOther, false},
		{"github.com/chainweir/weird.F", classOther, false},
		{"", classOther, false},
	} {
		class, kernel := classify(strings.Fields(c.stack))
		if class != c.class || kernel != c.kernel {
			t.Errorf("%s: %s (kernel %v), want %s (%v)", c.stack, class, kernel, c.class, c.kernel)
		}
	}
}

// aProfile has 60 samples of signatures, 30 of sockets and 10 of hashing.
func aProfile(t *testing.T) []byte {
	t.Helper()
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 10_000_000,
	}
	add := func(n int64, stage string, names ...string) {
		s := &profile.Sample{Value: []int64{n, n * p.Period}}
		if stage != "" {
			s.Label = map[string][]string{core.LabelStage: {stage}}
		}
		for _, name := range names {
			f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
			l := &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
			p.Function, p.Location, s.Location = append(p.Function, f), append(p.Location, l), append(s.Location, l)
		}
		p.Sample = append(p.Sample, s)
	}
	add(60, "verify", "github.com/chainweir/weir/core/verify.Groups")
	add(30, "receive", "internal/runtime/syscall/linux.Syscall6", "syscall.read", "net.(*conn).Read")
	add(10, "", "github.com/chainweir/weir/hash.Sum")
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPartsAddUp(t *testing.T) {
	p, err := mergeProfiles(map[int][]byte{1: aProfile(t), 2: aProfile(t), 3: []byte("not used")}, map[int]bool{1: true, 2: true, 4: true})
	if err != nil {
		t.Fatal(err)
	}
	c, err := addUp(p)
	if err != nil || c.samples != 200 || math.Abs(c.total-2) > 1e-9 || math.Abs(c.hz-100) > 1e-9 {
		t.Fatalf("%+v, %v", c, err)
	}
	u := sumUsage([]results.Trial{fullTrial(1)}, map[int]bool{1: true})
	u.profile = &c
	m := machine{nodeCores: 2, hostCores: 2, sameHost: true, wholeHost: true}
	d := u.demands(m)
	sums, shares := map[string]float64{}, map[string]float64{}
	var cpu []string
	for _, p := range u.parts(m) {
		sums[p.Resource] += p.SecPerTx
		shares[p.Resource] += p.Share
		if p.Resource == "cpu" {
			cpu = append(cpu, p.Name)
			if p.Source != results.SourceProfile {
				t.Errorf("%s comes from %s", p.Name, p.Source)
			}
		}
	}
	if strings.Join(cpu, ",") != "signatures,kernel tcp,hashing" {
		t.Errorf("parts %q, want the largest first", cpu)
	}
	for name, want := range map[string]float64{"cpu": *d.CPU, "host_cpu": *d.HostCPU} {
		if math.Abs(sums[name]-want) > 1e-12 || math.Abs(shares[name]-1) > 1e-9 {
			t.Errorf("%s: parts %v, shares %v; want %v and 1", name, sums[name], shares[name], want)
		}
	}
	threads := u.threads()
	if len(threads) != 3 || threads[0].Name != "verify" || threads[1].Name != "receive" || threads[2].Name != "runtime" {
		t.Fatalf("%+v", threads)
	}
	if r := threads[1]; r.UserSecPerTx != 0 || math.Abs(r.KernelSecPerTx-9e-6) > 1e-12 { // 30 % of 30 µs
		t.Errorf("%+v", r)
	}
}

// TestPartsWithoutProfile: a remote node tells no more than the kernel's accounts.
func TestPartsWithoutProfile(t *testing.T) {
	u := sumUsage([]results.Trial{fullTrial(1)}, map[int]bool{1: true})
	parts := u.parts(machine{nodeCores: 1, hostCores: 2})
	if len(parts) != 2 || parts[0].Name != "user" || parts[1].Name != "kernel" || parts[0].Source != results.SourceRusage ||
		math.Abs(parts[0].Share-2.0/3) > 1e-9 || math.Abs(parts[1].SecPerTx-10e-6) > 1e-12 {
		t.Errorf("%+v", parts)
	}
	u.nodeCPU = nil
	if parts := u.parts(machine{nodeCores: 1, hostCores: 2}); parts != nil {
		t.Errorf("of an unknown whole: %+v", parts)
	}
	if got := u.threads(); got != nil {
		t.Errorf("threads without a profile: %+v", got)
	}
}

func TestProfilesThatAreNone(t *testing.T) {
	if p, err := mergeProfiles(nil, map[int]bool{1: true}); p != nil || err != nil {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := mergeProfiles(map[int][]byte{1: []byte("garbage")}, map[int]bool{1: true}); err == nil || !strings.Contains(err.Error(), "trial 1") {
		t.Errorf("%v", err)
	}
	if _, err := addUp(&profile.Profile{SampleType: []*profile.ValueType{{Type: "inuse_space", Unit: "bytes"}}}); err == nil {
		t.Error("a profile of memory was taken for one of the processor")
	}
}

// TestRealProfileIsRead: what the runtime writes is what addUp reads, labels and
// the names of functions included.
func TestRealProfileIsRead(t *testing.T) {
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		t.Skip("another profile is under way: " + err.Error())
	}
	pprof.Do(t.Context(), pprof.Labels(core.LabelStage, "verify"), func(context.Context) {
		buf := make([]byte, 1<<16)
		for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
			sum := sha256.Sum256(buf)
			buf[0] = sum[0]
		}
	})
	pprof.StopCPUProfile()
	p, err := profile.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := addUp(p)
	if err != nil || c.hz != 100 {
		t.Fatalf("%+v, %v", c, err)
	}
	if c.samples == 0 {
		t.Skip("the machine gave the test no processor time for a sample")
	}
	if th := c.threads["verify"]; th == nil || c.classes[classHashing] < c.total/2 {
		t.Errorf("classes %v, threads %v", c.classes, c.threads)
	}
}
