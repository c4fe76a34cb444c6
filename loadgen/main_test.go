package loadgen

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/chainweir/weir/core/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testChain = tx.ChainID{1, 2, 3}

func testKeys(n int) []ed25519.PrivateKey {
	keys := make([]ed25519.PrivateKey, n)
	for i := range keys {
		seed := make([]byte, ed25519.SeedSize)
		binary.LittleEndian.PutUint32(seed, uint32(i))
		keys[i] = ed25519.NewKeyFromSeed(seed)
	}
	return keys
}

// sharedCorpus is signed once for all tests; they only read it.
var sharedCorpus = sync.OnceValue(func() *Corpus {
	c, err := NewCorpus(CorpusConfig{Chain: testChain, Keys: testKeys(64), Seed: 7})
	if err == nil {
		err = c.Extend(context.Background(), 3*chunkTxs/2, nil)
	}
	if err != nil {
		panic(err)
	}
	return c
})
