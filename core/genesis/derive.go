package genesis

import (
	"crypto/ed25519"
	"encoding/binary"
	"runtime"
	"slices"
	"sync"

	"github.com/chainweir/weir/hash"
)

// PrivateKey is the key of derived account i (from 0).
func (d *Derived) PrivateKey(i uint32) ed25519.PrivateKey {
	b := append([]byte("weirkey"), d.Seed...)
	b = binary.LittleEndian.AppendUint32(b, i)
	seed := hash.SHA256(b)
	return ed25519.NewKeyFromSeed(seed[:])
}

// PrivateKeys computes the first n derived keys on all cores.
func (d *Derived) PrivateKeys(n int) []ed25519.PrivateKey {
	keys := make([]ed25519.PrivateKey, n)
	parallel(n, func(i int) { keys[i] = d.PrivateKey(uint32(i)) })
	return keys
}

// AllAccounts returns every account at height 0 in slot order, with the keys of
// the derived ones computed on all cores.
func (g *Genesis) AllAccounts() []Account {
	all := make([]Account, g.NumAccounts())
	n := copy(all, g.Accounts)
	if g.Derived == nil {
		return all
	}
	parallel(int(g.Derived.Count), func(i int) {
		pub := g.Derived.PrivateKey(uint32(i)).Public().(ed25519.PublicKey)
		all[n+i] = Account{PublicKey: Key(pub), Balance: g.Derived.Balance}
	})
	return all
}

// FirstDerivedSlot is the slot of derived account 0.
func (g *Genesis) FirstDerivedSlot() uint32 { return uint32(len(g.Accounts)) }

// parallel calls f for 0..n-1, spread over the cores, and waits.
func parallel(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

// derivedAmong returns the first explicit account whose key is that of a
// derived one, -1 for none.
func (g *Genesis) derivedAmong() int {
	all := g.AllAccounts()
	derived := make(map[Key]bool, g.Derived.Count)
	for _, a := range all[len(g.Accounts):] {
		derived[a.PublicKey] = true
	}
	return slices.IndexFunc(g.Accounts, func(a Account) bool { return derived[a.PublicKey] })
}
