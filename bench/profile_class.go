package bench

import "strings"

// What a processor spends its time on in a node.
const (
	classSignatures = "signatures" // Ed25519 with its SHA-512, core/verify
	classHashing    = "hashing"    // SHA-256 and BLAKE3 kernels, hash, merkle
	classCodec      = "codec"      // finding and encoding transactions and frames
	classAdmission  = "admission"  // mempool, fair queue
	classState      = "state"      // execution; its hashing is in hashing
	classLog        = "block log"  // core/store outside the kernel
	classOrder      = "ordering"
	classPipeline   = "pipeline"    // what is between the stages
	classNet        = "net library" // Go's sockets and TLS outside the kernel
	classTCP        = "kernel tcp"  // system calls on sockets, polling included
	classDisk       = "kernel disk"
	classKernel     = "kernel other"
	classGC         = "gc" // collecting garbage and allocating
	classScheduler  = "scheduler"
	classRuntime    = "runtime"
	classOther      = "other"
)

const ours = "github.com/chainweir/weir/"

// packageClasses are tried from the top; a package belongs to the first entry
// that is it or a folder above it. "" says: whoever called it.
var packageClasses = []struct{ path, class string }{
	{"github.com/oasisprotocol/curve25519-voi", classSignatures}, {ours + "core/verify", classSignatures},
	{"crypto/sha512", classSignatures}, {"crypto/internal/fips140/sha512", classSignatures}, {"crypto/ed25519", classSignatures},
	{"crypto/internal/fips140/ed25519", classSignatures}, {"crypto/internal/fips140/edwards25519", classSignatures},
	{ours + "asm", classHashing}, {ours + "hash", classHashing}, {ours + "merkle", classHashing},
	{"crypto/sha256", classHashing}, {"crypto/internal/fips140/sha256", classHashing},
	{"github.com/zeebo/blake3", classHashing}, {"github.com/minio/sha256-simd", classHashing},
	{ours + "core/wire", classCodec}, {ours + "core/tx", classCodec}, {ours + "core/rpc", classCodec},
	{"google.golang.org", classCodec},
	{ours + "core/mempool", classAdmission}, {ours + "core/fair", classAdmission},
	{ours + "core/state", classState}, {ours + "core/store", classLog}, {ours + "core/engine", classOrder},
	{ours + "core", classPipeline},
	{"net", classNet}, {"internal/poll", classNet}, {"crypto/tls", classNet}, {"crypto", classNet},
	{ours, classOther},
}

// collecting, scheduling, kernelCalls are functions of the runtime, by the
// beginnings of their names.
var (
	collecting = []string{
		"runtime.gc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.mallocgc", "runtime._GC", "runtime.(*gc", "runtime.markroot",
		"runtime.scanobject", "runtime.sweepone", "runtime.newobject", "runtime.growslice", "runtime.makeslice", "runtime.(*mheap)", "runtime.wbBufFlush",
	}
	scheduling = []string{
		"runtime.schedule", "runtime.findRunnable", "runtime.mcall", "runtime.park_m", "runtime.mstart", "runtime.ready", "runtime.goready",
		"runtime.gopark", "runtime.wakep", "runtime.startm", "runtime.stopm", "runtime.sysmon", "runtime.notewakeup", "runtime.notesleep",
		"runtime.chansend", "runtime.chanrecv", "runtime.selectgo", "runtime.sem", "runtime.lock", "runtime.unlock", "runtime.futex",
		"runtime.usleep", "runtime.osyield", "runtime.morestack", "runtime.goexit0", "runtime.gosched", "runtime.entersyscall", "runtime.exitsyscall",
	}
	kernelCalls = []string{
		"internal/runtime/syscall", "syscall.", "golang.org/x/sys/unix.", "runtime.futex", "runtime.epoll", "runtime.usleep", "runtime.osyield",
		"runtime.madvise", "runtime.mmap", "runtime.munmap", "runtime.sysMmap", "runtime.write1", "runtime.tgkill",
		"runtime.rtsigprocmask", "runtime.sigreturn", "runtime.timer_settime", "runtime.libcCall", "runtime.kevent",
	}
)

// classify says what a sample was doing, from the names on its stack, innermost
// first, and whether it was in the kernel. Time in a function of the language's
// runtime or library that serves anybody (copying, maps, sorting) belongs to its
// caller.
func classify(stack []string) (class string, kernel bool) {
	if len(stack) == 0 {
		return classOther, false
	}
	kernel = hasPrefix(stack[0], kernelCalls)
	if some(stack, collecting) {
		return classGC, kernel
	}
	if kernel {
		return kernelClass(stack), true
	}
	onlyRuntime := true
	for _, name := range stack {
		if strings.HasPrefix(name, "runtime.") {
			if onlyRuntime && hasPrefix(name, scheduling) {
				return classScheduler, false
			}
			continue
		}
		onlyRuntime = false
		if c := packageClass(packageOf(name)); c != "" {
			return c, false
		}
	}
	if onlyRuntime {
		return classRuntime, false
	}
	return classOther, false
}

// kernelClass says for whom a system call was.
func kernelClass(stack []string) string {
	if hasPrefix(stack[0], []string{"runtime.futex", "runtime.usleep", "runtime.osyield", "runtime.tgkill"}) {
		return classScheduler
	}
	for _, name := range stack {
		switch pkg := packageOf(name); {
		case strings.HasPrefix(name, "runtime.netpoll"), strings.HasPrefix(name, "runtime.epoll"),
			strings.HasPrefix(name, "internal/runtime/syscall.Epoll"), pkg == "net":
			return classTCP
		case pkg == "os", pkg == ours+"core/store":
			return classDisk
		}
	}
	return classKernel
}

// packageOf is the import path of a function's package.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	if dot := strings.IndexByte(function[slash:], '.'); dot >= 0 {
		return function[:slash+dot]
	}
	return function
}

func packageClass(pkg string) string {
	for _, c := range packageClasses {
		if rest, ok := strings.CutPrefix(pkg, c.path); ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(c.path, "/")) {
			return c.class
		}
	}
	return ""
}

func some(stack []string, prefixes []string) bool {
	for _, name := range stack {
		if hasPrefix(name, prefixes) {
			return true
		}
	}
	return false
}

func hasPrefix(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
