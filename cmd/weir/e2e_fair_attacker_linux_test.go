//go:build measure && linux

package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// The test binary runs itself as the process beside the honest load. The
// variable says as what, and with which arguments. The process prints a line
// when it is ready, begins when it gets one, ends when its standard input does,
// and prints a sideReport.
const sideEnv = "WEIR_TEST_BESIDE"

type sideTask struct {
	Role     string  // one of the roles below
	Addr     string  // the node's
	Genesis  string  // path of the chain's genesis
	CPUShare float64 // of one core, for the burner
}

const (
	roleGarbage       = "garbage"
	roleReconnect     = "garbage in short connections"
	roleBadSignatures = "bad signatures"
	roleBurner        = "burner"
)

type sideReport struct {
	Bytes  int64 // on the wire, with the overhead of connections
	Conns  int64
	CPUSec float64
	Sec    float64 // how long it was at work
}

const (
	attackBytesPerSec = 100_000_000 / 8
	attackConns       = 4
	attackChunk       = 32 << 10
	// connBytes is what opening and ending a connection costs on the wire: seven
	// Ethernet frames.
	connBytes = 7 * 78
	// attackTxs is how many different transactions with bad signatures there are.
	attackTxs = 8192
)

func init() {
	text := os.Getenv(sideEnv)
	if text == "" {
		return
	}
	var task sideTask
	err := json.Unmarshal([]byte(text), &task)
	if err == nil {
		err = task.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (task *sideTask) run() error {
	work, err := task.prepare()
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready")
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = in.ReadByte() // the end of the input is the end of the work
		cancel()
	}()
	start, before := time.Now(), cpuSeconds()
	r := work(ctx)
	r.CPUSec, r.Sec = cpuSeconds()-before, time.Since(start).Seconds()
	return json.NewEncoder(os.Stdout).Encode(r)
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // RUSAGE_SELF always works
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func (task *sideTask) prepare() (func(context.Context) sideReport, error) {
	switch task.Role {
	case roleBurner:
		return task.burn, nil
	case roleGarbage, roleReconnect:
		garbage := make([]byte, 1<<20)
		for i := range garbage {
			garbage[i] = byte(rand.Uint32())
		}
		return func(ctx context.Context) sideReport { return task.attack(ctx, garbage) }, nil
	case roleBadSignatures:
		frames, err := task.badFrames()
		return func(ctx context.Context) sideReport { return task.attack(ctx, frames) }, err
	}
	return nil, fmt.Errorf("no role %q", task.Role)
}

// burn uses a share of one core for nothing.
func (task *sideTask) burn(ctx context.Context) sideReport {
	start, used := time.Now(), cpuSeconds()
	sum := uint64(1)
	for ctx.Err() == nil {
		if (cpuSeconds() - used) > task.CPUShare*time.Since(start).Seconds() {
			pause(ctx, time.Millisecond)
			continue
		}
		for i := range uint64(100_000) {
			sum = sum*6364136223846793005 + i
		}
	}
	runtime.KeepAlive(sum)
	return sideReport{}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// badFrames are submissions of transactions with signatures that look right:
// R is a point, s is small enough, the sender exists and its number is free, so
// that only the whole check finds out.
func (task *sideTask) badFrames() ([]byte, error) {
	b, err := os.ReadFile(task.Genesis)
	if err != nil {
		return nil, err
	}
	gen, err := genesis.Parse(b)
	if err != nil {
		return nil, err
	}
	chain, first := gen.ChainID(), gen.FirstDerivedSlot()
	keys := gen.Derived.PrivateKeys(min(int(gen.Derived.Count), 256))
	var frames []byte
	const perFrame = 128
	for base := 0; base < attackTxs; base += perFrame {
		frames = wire.AppendSubmitHeader(frames, uint64(base), perFrame, perFrame*tx.Size)
		for i := base; i < base+perFrame; i++ {
			frames = append(frames, badTx(&chain, first, keys, i)...)
		}
	}
	return frames, nil
}

func badTx(chain *tx.ChainID, first uint32, keys []ed25519.PrivateKey, i int) tx.View {
	k := i % len(keys)
	f := tx.Fields{
		Kind: tx.KindTransfer, From: first + uint32(k), To: first, Amount: uint64(i + 1),
		Nonce: tx.MaxNonceStep/2 + uint64(i), Expiry: 1 << 40,
	}
	v := tx.View(f.AppendUnsigned(nil))
	v.Sign(chain, keys[k])
	v.Signature()[32] ^= 1
	return v
}

// bucket shapes the attacker to attackBytesPerSec over all its connections.
type bucket struct {
	mu   sync.Mutex
	next time.Time // when all that was sent so far has passed
	sent int64
}

// bucketBurst is how much time that was not used may be made up for.
const bucketBurst = 20 * time.Millisecond

// take waits until n more bytes may be sent.
func (b *bucket) take(ctx context.Context, n int) {
	b.mu.Lock()
	if oldest := time.Now().Add(-bucketBurst); b.next.Before(oldest) {
		b.next = oldest
	}
	b.next = b.next.Add(time.Duration(float64(n) / attackBytesPerSec * float64(time.Second)))
	due := b.next
	b.mu.Unlock()
	if wait := time.Until(due); wait > 0 {
		pause(ctx, wait)
	}
}

// wrote counts bytes that have been written.
func (b *bucket) wrote(n int) {
	b.mu.Lock()
	b.sent += int64(n)
	b.mu.Unlock()
}

// attack sends a stream again and again over several connections, each of which
// begins with a proper hello, and opens another whenever one is cut off.
func (task *sideTask) attack(ctx context.Context, stream []byte) sideReport {
	var (
		wg    sync.WaitGroup
		shape bucket
		conns atomic.Int64
	)
	for c := range attackConns {
		wg.Go(func() {
			at := c * len(stream) / attackConns
			if task.Role == roleBadSignatures {
				at = 0 // where a frame begins
			}
			for ctx.Err() == nil {
				shape.take(ctx, connBytes)
				at = task.connection(ctx, &shape, stream, at, &conns)
			}
		})
	}
	wg.Wait()
	shape.mu.Lock()
	defer shape.mu.Unlock()
	return sideReport{Bytes: shape.sent, Conns: conns.Load()}
}

// connection sends until it is cut off and returns where to go on.
func (task *sideTask) connection(ctx context.Context, shape *bucket, stream []byte, at int, conns *atomic.Int64) int {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(attackerHost)}}
	nc, err := d.DialContext(ctx, "tcp", task.Addr)
	if err != nil {
		pause(ctx, time.Millisecond)
		return at
	}
	conns.Add(1)
	shape.wrote(connBytes)
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	defer nc.Close()
	gone := make(chan struct{}) // closed when the node has hung up
	go func() { defer close(gone); discard(nc) }()
	if _, err := nc.Write((&wire.Hello{Version: wire.ProtocolVersion}).Append(nil)); err != nil {
		return at
	}
	if task.Role == roleBadSignatures {
		at = 0
	}
	for ctx.Err() == nil {
		n := min(task.chunk(), len(stream)-at)
		shape.take(ctx, n)
		sent, err := nc.Write(stream[at : at+n])
		shape.wrote(sent)
		if err != nil {
			return (at + n) % len(stream)
		}
		at = (at + n) % len(stream)
		if task.Role == roleReconnect {
			<-gone
		}
	}
	return at
}

// chunk is how much is sent at a time.
func (task *sideTask) chunk() int {
	if task.Role == roleReconnect {
		return 16
	}
	return attackChunk
}

// discard reads what the node says, so that it cannot cut a slow reader off.
func discard(nc net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		if _, err := nc.Read(buf); err != nil {
			return
		}
	}
}

// attackerHost is another address than the honest clients'.
const attackerHost = "127.0.0.2"

// String names a task for the log.
func (task *sideTask) String() string {
	if task.Role == roleBurner {
		return task.Role + " of " + strconv.FormatFloat(task.CPUShare, 'f', 3, 64) + " cores"
	}
	return task.Role
}
