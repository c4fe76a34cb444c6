package results

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestEncodeNamesTheFieldThatIsNotFinite(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(-1)
	trial := sampleTrial()
	trial.LatencyMS.Accept.P99 = &nan
	slope := sampleTrial()
	slope.OfferedTxPerSec = inf
	deep := sampleSummary()
	deep.Knee.LatencyAt = append(deep.Knee.LatencyAt, LatencyAt{Fraction: nan})
	dir := sampleSummary()
	dir.Wire.BytesPerTx.Out = &inf
	env := sampleEnv()
	env.Class.NIC.SpeedBitsPerSec = &inf
	load := sampleTrial().Load(nil, false)
	load.Fidelity = &nan
	for want, v := range map[string]any{
		"latency_ms.accept.p99":        trial,
		"offered_tx_per_sec":           slope,
		"knee.latency_at[1].fraction":  deep,
		"wire.bytes_per_tx.out":        dir,
		"class.nic.speed_bits_per_sec": env,
		"fidelity":                     load,
	} {
		_, err := json.Marshal(v)
		if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "field "+want+" is") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestEncodeWritesUnknownAsNullAndEmptyAsEmpty(t *testing.T) {
	b, err := json.Marshal(Summary{SLO: "p99<2s & more"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"schema":"weir.run/1"`, `"type":"summary"`, `"warnings":[]`, `"trials":[]`, `"latency_at":[]`,
		`"bottleneck":null`, `"next_wall":null`, `"lower_tx_per_sec":null`, `"bytes_per_tx":{"in":null,"out":null}`,
		`"cpu_sec_per_tx":null`, `"direction":null`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	if b, err = json.Marshal(Trial{}); err != nil || !strings.Contains(string(b), `"rejected":{}`) {
		t.Errorf("%s %v", b, err)
	}
}

// The caller's node usage is shared by nobody else: encoding must not touch it.
func TestEncodeLeavesTheValueAlone(t *testing.T) {
	node := NodeUsage{}
	if _, err := json.Marshal(Trial{Node: &node}); err != nil {
		t.Fatal(err)
	}
	if node.Stages != nil {
		t.Error("encoding changed the caller's value")
	}
}

func TestRatio(t *testing.T) {
	if r := Ratio(1, 4); r == nil || *r != 0.25 {
		t.Errorf("1/4 = %v", r)
	}
	for _, c := range [][2]float64{{1, 0}, {0, 0}, {math.NaN(), 1}, {math.MaxFloat64, 1e-300}} {
		if r := Ratio(c[0], c[1]); r != nil {
			t.Errorf("%v/%v = %v, want unknown", c[0], c[1], *r)
		}
	}
}
