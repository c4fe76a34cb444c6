package verify

import "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

// Triple is a signature over any message, which Batch has no room for: its
// messages are transactions.
type Triple struct{ Key, Msg, Sig []byte }

// Single applies the package's rule to one signature, with the raw key and with
// the expanded one. ok is false if the two disagree.
func (v Triple) Single() (valid, ok bool) {
	valid = ed25519.VerifyWithOptions(v.Key, v.Msg, v.Sig, zip215)
	e, err := ed25519.NewExpandedPublicKey(v.Key)
	if err != nil {
		return valid, !valid
	}
	return valid, valid == ed25519.VerifyExpandedWithOptions(e, v.Msg, v.Sig, zip215)
}

// BatchOf applies the rule to all signatures at once.
func BatchOf(expand bool, vs ...Triple) bool {
	bv := ed25519.NewBatchVerifier()
	for _, v := range vs {
		if e, err := ed25519.NewExpandedPublicKey(v.Key); expand && err == nil {
			bv.AddExpandedWithOptions(e, v.Msg, v.Sig, zip215)
		} else {
			bv.AddWithOptions(v.Key, v.Msg, v.Sig, zip215)
		}
	}
	return bv.VerifyBatchOnly(nil)
}

// Expanded is how many expanded keys are kept, by count and by counter.
func (k *Keys) Expanded() (kept int, counter int64) {
	for _, c := range *k.chunks.Load() {
		for i := range c.exp {
			if c.exp[i].Load() != nil {
				kept++
			}
		}
	}
	return kept, k.expanded.Load()
}
