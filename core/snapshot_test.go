package core_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

// memberChain is a chain whose first account is an administrator, who alone
// registers others, and whose third only reads.
func memberChain(n int) (*genesis.Genesis, *wallet) {
	gen := genesis.Dev(1)
	keys := gen.Derived.PrivateKeys(n)
	gen.Derived = nil
	gen.Rules.Registration = genesis.RegistrationAdmin
	for _, k := range keys {
		gen.Accounts = append(gen.Accounts, genesis.Account{PublicKey: genesis.Key(k.Public().(ed25519.PublicKey)), Balance: 1 << 40})
	}
	gen.Accounts[0].Role, gen.Accounts[0].Validator = "admin", true
	gen.Accounts[2].Role = "observer"
	return gen, &wallet{gen.ChainID(), keys, make([]uint64, n)}
}

// everyKind is one transaction of each kind, some with tails of their own length.
func (w *wallet) everyKind(round uint32) []tx.View {
	id := [32]byte{1, byte(round), byte(round >> 8)}
	key := id
	key[0] = 2
	items := 3 * round // opened before this round
	return []tx.View{
		w.sign(tx.Fields{Kind: tx.KindRegister, From: 0, Amount: 3, Subject: key}),
		w.sign(tx.Fields{Kind: tx.KindCreateCollection, From: 1, Amount: 9, Subject: id, Tail: bytes.Repeat([]byte("m"), int(round%50))}),
		w.transfer(1, 3, 5),
		w.sign(tx.Fields{Kind: tx.KindMint, From: 1, To: 3, Amount: uint64(items), Subject: id, Tail: []byte("first")}),
		w.sign(tx.Fields{Kind: tx.KindMint, From: 1, To: 3, Amount: uint64(items), Subject: key}),
		w.sign(tx.Fields{Kind: tx.KindTransferItem, From: 3, To: 1, Amount: uint64(items) + 1}),
		w.sign(tx.Fields{Kind: tx.KindBurn, From: 3, Amount: uint64(items) + 2}),
		w.sign(tx.Fields{Kind: tx.KindPut, From: 3, Subject: id, Tail: bytes.Repeat([]byte{byte(round)}, int(round*37%4000))}),
		w.sign(tx.Fields{Kind: tx.KindMultiTransfer, From: 1, Amount: 30, Tail: tx.AppendOutputs(nil, []tx.Output{{To: 0, Amount: 10}, {To: 3, Amount: 20}})}),
		w.sign(tx.Fields{Kind: tx.KindSetRole, From: 0, To: 4, Amount: tx.Membership{Role: tx.Role(round % 4), Validator: round%2 == 0}.Amount()}),
		w.sign(tx.Fields{Kind: tx.KindRegister, From: 1, Amount: 3, Subject: [32]byte{7, byte(round)}}), // no administrator
	}
}

func snapshotFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "snapshots", "snap-*.weir"))
	if err != nil {
		t.Fatal(err)
	}
	return files // sorted by height
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// ledger reads every account of a node.
func ledger(t testing.TB, n *core.Node) []core.AccountAnswer {
	t.Helper()
	var all []core.AccountAnswer
	for slot := range uint32(n.Stats().Accounts) {
		a, err := n.Account(t.Context(), slot)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// The ledger as it was live, as genesis and all blocks give it, and as each
// snapshot and the blocks after it give it is one and the same.
func TestReplayFromEverySnapshot(t *testing.T) {
	gen, w := memberChain(6)
	dir := t.TempDir()
	kept := map[string][]byte{}
	r := newRecorder()
	seq, round := uint64(0), uint32(0)
	var (
		head tx.Header
		hash tx.Hash
		want []core.AccountAnswer
	)
	for life := range 5 {
		n := open(t, core.Config{Dir: dir, Genesis: gen})
		if from := n.Restored; (from.Height > 0) != (life > 0) || from.Blocks > 0 || len(from.Refused) > 0 {
			t.Fatalf("life %d: %s", life, from)
		}
		for range 7 {
			txs := w.everyKind(round)
			round++
			fed(t, n, r, seq, txs)
			r.settled(t, seq, seq+uint64(len(txs)))
			for i := range txs {
				if got, last := r.rejects[seq+uint64(i)], i == len(txs)-1; last != (got == tx.StatusNotAllowed) || !last && got != tx.StatusOK {
					t.Fatalf("round %d, transaction %d: %s", round, i, got)
				}
			}
			seq += uint64(len(txs))
		}
		head, hash = n.Head()
		want = ledger(t, n)
		closeNode(t, n)
		if s := n.Snapshots(); s.Height != head.Height || s.Written != 1 || s.Err != nil {
			t.Fatalf("life %d: %+v", life, s)
		}
		files := snapshotFiles(t, dir)
		if len(files) != min(life+1, 2) {
			t.Fatalf("life %d leaves %v", life, files)
		}
		b, err := os.ReadFile(files[len(files)-1])
		if err != nil {
			t.Fatal(err)
		}
		kept[filepath.Base(files[len(files)-1])] = b
	}
	checkWhole(t, dir, head.Height) // replays from genesis and compares every root
	kept["none"] = nil
	for name, b := range kept {
		one := copyDir(t, dir)
		for _, f := range snapshotFiles(t, one) {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		if b != nil {
			if err := os.WriteFile(filepath.Join(one, "snapshots", name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		n := open(t, core.Config{Dir: one})
		var height uint64
		if b != nil {
			if _, err := fmt.Sscanf(name, "snap-%d.weir", &height); err != nil {
				t.Fatal(err)
			}
		}
		if from := n.Restored; from.Height != height || from.Blocks != head.Height-height {
			t.Errorf("%s: %s", name, from)
		}
		if h, x := n.Head(); h != head || x != hash {
			t.Errorf("%s: the head is %+v, it was %+v", name, h, head)
		}
		for slot, a := range ledger(t, n) {
			if a.Record != want[slot].Record || a.Header != want[slot].Header || a.Proof.Summary != want[slot].Proof.Summary {
				t.Errorf("%s: account %d is %+v, it was %+v", name, slot, a, want[slot])
			}
		}
		closeNode(t, n)
	}
}

// While blocks go on, snapshots are written, the last two stay, and what they
// hold is right.
func TestSnapshotsWhileRunning(t *testing.T) {
	const accounts = 12
	gen := genesis.Dev(accounts)
	dir := t.TempDir()
	w, r := newWallet(gen), newRecorder()
	n := open(t, core.Config{Dir: dir, Genesis: gen, SnapshotTxs: 2*accounts + 1, BlockInterval: 100 * time.Microsecond})
	end := time.Now().Add(deadline)
	seq := uint64(0)
	for n.Snapshots().Written < 4 {
		if time.Now().After(end) {
			t.Fatalf("%+v", n.Snapshots())
		}
		fed(t, n, r, seq, w.round(accounts, 1))
		seq += accounts
	}
	head, hash := n.Head()
	if h := n.Snapshots().Height; h > head.Height {
		t.Errorf("a snapshot of block %d, the durable head is block %d", h, head.Height)
	}
	// A copy of the directory now is what a crash would leave.
	torn := copyDir(t, dir)
	closeNode(t, n)
	m := open(t, core.Config{Dir: torn})
	if from := m.Restored; from.Height == 0 || len(from.Refused) > 0 {
		t.Errorf("the copy: %s", from)
	}
	if h, x := m.Head(); h != head || x != hash {
		t.Errorf("the copy ends at %+v, the node was at %+v", h, head)
	}
	closeNode(t, m)
	checkWhole(t, torn, head.Height)
	if files := snapshotFiles(t, dir); len(files) != 2 {
		t.Errorf("%v are left", files)
	}
}

// A node without snapshots writes none, and one that was idle writes none again.
func TestNoNeedlessSnapshot(t *testing.T) {
	gen := genesis.Dev(4)
	dir := t.TempDir()
	w, r := newWallet(gen), newRecorder()
	n := open(t, core.Config{Dir: dir, Genesis: gen, SnapshotTxs: -1})
	fed(t, n, r, 0, w.round(4, 1))
	closeNode(t, n)
	if files := snapshotFiles(t, dir); len(files) > 0 {
		t.Errorf("a node without snapshots left %v", files)
	}
	closeNode(t, open(t, core.Config{Dir: dir}))
	files := snapshotFiles(t, dir)
	if len(files) != 1 {
		t.Fatalf("%v", files)
	}
	n = open(t, core.Config{Dir: dir})
	closeNode(t, n)
	if s := n.Snapshots(); s.Written != 0 || s.Height != 1 || !slices.Equal(files, snapshotFiles(t, dir)) {
		t.Errorf("an idle node: %+v, %v", s, snapshotFiles(t, dir))
	}
}

// twoSnapshots makes a chain with snapshots of block 2 and of its head.
func twoSnapshots(t *testing.T, amount uint64) (dir string, head tx.Header) {
	t.Helper()
	gen := genesis.Dev(5)
	dir = t.TempDir()
	w := newWallet(gen)
	for life := range uint64(2) {
		n := open(t, core.Config{Dir: dir, Genesis: gen})
		r := newRecorder()
		for i := range uint64(2) {
			fed(t, n, r, 5*i, w.round(5, amount+life))
			r.settled(t, 5*i, 5*i+5)
		}
		head, _ = n.Head()
		closeNode(t, n)
	}
	if files := snapshotFiles(t, dir); len(files) != 2 || head.Height != 4 {
		t.Fatalf("%v, head %d", files, head.Height)
	}
	return dir, head
}

// Whatever is wrong with the newest snapshot, the node says so and starts from
// the one before it, and with both wrong from genesis.
func TestBadSnapshots(t *testing.T) {
	dir, head := twoSnapshots(t, 7)
	fork, _ := twoSnapshots(t, 8)
	older, newest := "snap-00000000000000000002.weir", "snap-00000000000000000004.weir"
	read := func(dir, name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, "snapshots", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good, old := read(dir, newest), read(dir, older)
	type spoiled struct {
		what, want string
		file       []byte
	}
	var cases []spoiled
	for off := 0; off < len(good); off++ {
		if off < 272 && off%23 == 0 || off >= 4088 && off%5 == 0 || off%1193 == 0 {
			b := bytes.Clone(good)
			b[off] ^= 1 << (off % 8)
			cases = append(cases, spoiled{fmt.Sprintf("bit flipped at %d", off), "", b})
		}
	}
	for _, n := range []int{0, 1, 4095, 4096, 4100, 4112, len(good) / 2, len(good) - 1} {
		cases = append(cases, spoiled{fmt.Sprintf("cut to %d bytes", n), "", good[:n]})
	}
	mixed := func(head, ledger []byte) []byte { return append(bytes.Clone(head[:4096]), ledger[4096:]...) }
	cases = append(cases,
		spoiled{"longer", "its end says", append(bytes.Clone(good), make([]byte, 4096)...)},
		spoiled{"renamed", "was the file renamed?", old},
		spoiled{"of a fork", "has " + fmt.Sprintf("%x", hashOf(t, dir, 4))[:16], read(fork, newest)},
		spoiled{"the ledger of another block", "the ledger's root is", mixed(good, old)},
		spoiled{"of another chain", "this is chain", otherChains(t)},
	)
	for i, c := range cases {
		for _, both := range []bool{false, true} {
			if both && i%8 > 0 {
				continue
			}
			one := copyDir(t, dir)
			put := func(name string, b []byte) {
				if err := os.WriteFile(filepath.Join(one, "snapshots", name), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			put(newest, c.file)
			want := uint64(2)
			if both {
				put(older, []byte("nothing"))
				want = 0
			}
			n := open(t, core.Config{Dir: one})
			from := n.Restored
			if from.Height != want || len(from.Refused) == 0 || !strings.Contains(from.Refused[0], "the one of block 4: ") || !strings.Contains(from.String(), c.want) {
				t.Errorf("%s: %s, want %q and block %d", c.what, from, c.want, want)
			}
			if h, _ := n.Head(); h != head {
				t.Errorf("%s: the head is %+v", c.what, h)
			}
			closeNode(t, n)
			// It was replaced by a good one.
			if b := read(one, newest); !bytes.Equal(b[4096:], good[4096:]) {
				t.Errorf("%s: the head has no good snapshot afterwards", c.what)
			}
		}
	}
}

func hashOf(t *testing.T, dir string, height uint64) tx.Hash {
	t.Helper()
	c, err := core.Check(t.Context(), dir, nil)
	if err != nil || c.Height != height {
		t.Fatalf("%+v, %v", c, err)
	}
	return c.Hash
}

// otherChains is a snapshot of block 4 of another genesis.
func otherChains(t *testing.T) []byte {
	t.Helper()
	gen := genesis.Dev(7)
	dir := t.TempDir()
	w := newWallet(gen)
	n := open(t, core.Config{Dir: dir, Genesis: gen})
	r := newRecorder()
	for i := range uint64(4) {
		fed(t, n, r, 7*i, w.round(7, 1))
		r.settled(t, 7*i, 7*i+7)
	}
	closeNode(t, n)
	b, err := os.ReadFile(snapshotFiles(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A snapshot that is ahead of the log is not used: what the log does not have
// was never promised to anybody.
func TestSnapshotAheadOfTheLog(t *testing.T) {
	dir, _ := twoSnapshots(t, 7)
	short := t.TempDir()
	gen := genesis.Dev(5)
	n := open(t, core.Config{Dir: short, Genesis: gen})
	w, r := newWallet(gen), newRecorder()
	for i := range uint64(2) { // the same two blocks, in content
		fed(t, n, r, 5*i, w.round(5, 7))
		r.settled(t, 5*i, 5*i+5)
	}
	closeNode(t, n)
	b, err := os.ReadFile(snapshotFiles(t, dir)[1])
	if err != nil {
		t.Fatal(err)
	}
	ahead := filepath.Join(short, "snapshots", "snap-00000000000000000004.weir")
	if err := os.WriteFile(ahead, b, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := core.Check(t.Context(), short, nil)
	if err != nil || c.Bad != nil || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "ahead of the log, which ends with block 2") {
		t.Errorf("%+v, %v", c, err)
	}
	// It was written after its block: a log without that has lost it.
	if _, err := core.Open(core.Config{Dir: short}); !errors.Is(err, core.ErrBadChain) || !strings.Contains(err.Error(), ahead) {
		t.Fatalf("%v", err)
	}
	if err := os.Remove(ahead); err != nil {
		t.Fatal(err)
	}
	n = open(t, core.Config{Dir: short})
	if from := n.Restored; from.Height != 2 || len(from.Refused) != 0 {
		t.Errorf("%s", from)
	}
	fed(t, n, r, 10, w.round(5, 7))
	r.settled(t, 10, 15)
	closeNode(t, n)
}
