package workload

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/chainweir/weir/core/tx"
)

// chiSquare is the p-value of counts under probabilities. Cells that expect
// fewer than five are put together.
func chiSquare(t *testing.T, counts []int, probs []float64) float64 {
	t.Helper()
	n := 0
	for _, c := range counts {
		n += c
	}
	x, cells, sum := 0.0, 0, 0.0
	var rest int
	var restP float64
	for i, c := range counts {
		sum += probs[i]
		rest, restP = rest+c, restP+probs[i]
		if e := restP * float64(n); e >= 5 {
			x += (float64(rest) - e) * (float64(rest) - e) / e
			rest, restP = 0, 0
			cells++
		}
	}
	if math.Abs(sum-1) > 1e-9 || cells < 2 {
		t.Fatalf("probabilities sum to %v in %d cells", sum, cells)
	}
	return distuv.ChiSquared{K: float64(cells - 1)}.Survival(x)
}

const samples = 400_000

// fair is the smallest p-value that is believed. The seeds are fixed, so a test
// that passes once passes always.
const fair = 0.001

func TestPicksFollowTheirLaw(t *testing.T) {
	for _, c := range []struct {
		p Pick
		n uint32
	}{
		{Pick{Uniform, 0}, 100}, {Pick{Uniform, 0}, 1}, {Pick{Zipf, 1}, 1000}, {Pick{Zipf, 0.5}, 77},
		{Pick{Zipf, 0.99}, 100_000}, {Pick{Zipf, 2.5}, 300},
	} {
		ch := newChooser(c.p, c.n)
		counts, probs := make([]int, c.n), make([]float64, c.n)
		sum := 0.0
		for k := range probs { // from the definition, not from what is tested
			probs[k] = math.Pow(float64(k+1), -c.p.Exponent)
			sum += probs[k]
		}
		for k := range probs {
			probs[k] /= sum
			if got := ch.prob(uint32(k)); math.Abs(got-probs[k]) > 1e-12 {
				t.Fatalf("%+v: prob(%d) is %v, want %v", c, k, got, probs[k])
			}
		}
		for i := range uint64(samples) {
			r := rng{mix64(i)}
			counts[ch.rank(&r, nil)]++
		}
		if c.n == 1 {
			continue
		}
		if p := chiSquare(t, counts, probs); p < fair {
			t.Errorf("%+v: p = %v", c, p)
		}
		// The test sees a law that is a little different.
		for k := range probs {
			probs[k] *= 1 + 0.1*float64(1-2*(k%2))
		}
		norm := 0.0
		for _, p := range probs {
			norm += p
		}
		for k := range probs {
			probs[k] /= norm
		}
		if p := chiSquare(t, counts, probs); p > 1e-6 {
			t.Errorf("%+v: a wrong law passes with p = %v", c, p)
		}
	}
}

// The alias table's own probabilities are the weights', to a part in 2^40.
func TestAliasIsExact(t *testing.T) {
	for _, w := range [][]float64{{1}, {1, 0, 3}, {5, 5, 5, 5}, zipfWeights(1000, 1.3), {1e-300, 1}} {
		a := newAlias(w)
		got := make([]float64, len(w))
		for i, c := range a.cols {
			got[i] += float64(c.keep) / float64(a.total) / float64(len(w))
			got[c.other] += float64(a.total-c.keep) / float64(a.total) / float64(len(w))
		}
		sum := 0.0
		for _, x := range w {
			sum += x
		}
		for i := range w {
			if math.Abs(got[i]-w[i]/sum) > 1e-11 {
				t.Errorf("%d weights: %d has %v, want %v", len(w), i, got[i], w[i]/sum)
			}
		}
	}
}

func TestNumbersFollowTheirLaw(t *testing.T) {
	normal := distuv.UnitNormal
	for _, n := range []Numbers{
		{Dist: Uniform, Min: 3, Max: 60},
		{Dist: LogNormal, Median: 100, Sigma: 1, Min: 1, Max: 4096},
		{Dist: LogNormal, Median: 5, Sigma: 0.3, Min: 0, Max: 9},
		{Dist: List, Values: []Weighted{{7, 1}, {0, 5}, {4096, 2}}},
	} {
		s := newSampler(&n)
		counts := make([]int, 4097)
		mean := 0.0
		for i := range uint64(samples) {
			r := rng{mix64(i)}
			v := s.draw(&r)
			counts[v]++
			mean += float64(v) / samples
		}
		probs := make([]float64, 4097)
		switch n.Dist {
		case Uniform:
			for v := n.Min; v <= n.Max; v++ {
				probs[v] = 1 / float64(n.Max-n.Min+1)
			}
		case List:
			probs[7], probs[0], probs[4096] = 1./8, 5./8, 2./8
		case LogNormal:
			cdf := func(x float64) float64 { return normal.CDF(math.Log(math.Max(x, 0)/n.Median) / n.Sigma) }
			all := cdf(float64(n.Max)+0.5) - cdf(float64(n.Min)-0.5)
			for v := n.Min; v <= n.Max; v++ {
				probs[v] = (cdf(float64(v)+0.5) - cdf(float64(v)-0.5)) / all
			}
		}
		if p := chiSquare(t, counts, probs); p < fair {
			t.Errorf("%+v: p = %v", n, p)
		}
		if math.Abs(mean-s.mean) > 0.02*s.mean {
			t.Errorf("%+v: mean %v, stated %v", n, mean, s.mean)
		}
	}
	if s := newSampler(&Numbers{Dist: Constant, Value: 9}); s.draw(&rng{}) != 9 || s.mean != 9 {
		t.Error("a constant varies")
	}
}

// The mix has the shares that its weights say, and hot accounts theirs.
func TestSharesOfTheMix(t *testing.T) {
	w, err := Parse("f", []byte("mix:\n- weight: 3\n  transfer: {hot: {accounts: 2, share: 0.3}}\n- kv: {}\n- weight: 2\n  collection: {items: 10, collections: 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	w.Accounts.Count = 60
	g, err := newGenerator(w, &Chain{Keys: fuzzKeys}, 11)
	if err != nil {
		t.Fatal(err)
	}
	kinds, hot := make([]int, tx.NumKinds), make([]int, 2)
	for range samples {
		o, err := g.draw()
		if err != nil {
			t.Fatal(err)
		}
		kinds[o.kind]++
		if o.kind == tx.KindTransfer {
			if o.to == g.byRank[0] || o.to == g.byRank[1] {
				hot[0]++
			} else {
				hot[1]++
			}
			if o.to == o.from {
				t.Fatal("a transfer to its sender")
			}
		}
	}
	probs := make([]float64, tx.NumKinds)
	probs[tx.KindTransfer], probs[tx.KindPut], probs[tx.KindMint], probs[tx.KindTransferItem] = 0.5, 1./6, 0.2/3, 0.8/3
	if p := chiSquare(t, kinds, probs); p < fair {
		t.Errorf("kinds: p = %v", p)
	}
	h := 0.3 + 0.7*2/60
	if p := chiSquare(t, hot, []float64{h, 1 - h}); p < fair {
		t.Errorf("hot: %v, p = %v", hot, p)
	}
}
