package loadgen

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bounds of a schedule's text.
const (
	maxSteps  = 10_000
	maxBursts = 1 << 20
)

func parseRate(name, s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 1) {
		return 0, fmt.Errorf("%s %q is not a rate, give tx/s such as 5000", name, s)
	}
	return v, nil
}

func parseLength(name, s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > maxDuration {
		return 0, fmt.Errorf("%s %q is not a length of time above 0 and up to %s, give one such as 500ms", name, s, maxDuration)
	}
	return d, nil
}

// rateText writes a rate so that it parses to the same value.
func rateText(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func parseRamp(f *form, args string) error {
	from, to, ok := strings.Cut(args, "..")
	if !ok {
		return fmt.Errorf("%q lacks the end rate, write ramp:100..5000", args)
	}
	a, err := parseRate("start", from)
	if err != nil {
		return err
	}
	b, err := parseRate("end", to)
	if err != nil {
		return err
	}
	if a+b == 0 {
		return fmt.Errorf("both rates are 0, give one above it")
	}
	f.text = Schedule(fmt.Sprintf("ramp:%s..%s", rateText(a), rateText(b)))
	f.shape = func(d time.Duration) (curve, error) {
		p := &pieces{}
		p.add(float64(d), (a+b)/2*d.Seconds(), (b-a)/(a+b))
		return p, nil
	}
	return nil
}

func parseStep(f *form, args string) error {
	rates, length, ok := strings.Cut(args, "@")
	if !ok {
		return fmt.Errorf("%q does not say how long a step is, write step:100,200@10s", args)
	}
	each, err := parseLength("step", length)
	if err != nil {
		return err
	}
	list := strings.Split(rates, ",")
	if len(list) > maxSteps || each*time.Duration(len(list)) > maxDuration {
		return fmt.Errorf("%d steps of %s, give at most %d and %s", len(list), each, maxSteps, maxDuration)
	}
	p := &pieces{}
	var texts []string
	for i, s := range list {
		v, err := parseRate(fmt.Sprintf("rate %d", i+1), strings.TrimSpace(s))
		if err != nil {
			return err
		}
		p.hold(each, v)
		texts = append(texts, rateText(v))
	}
	f.text = Schedule(fmt.Sprintf("step:%s@%s", strings.Join(texts, ","), each))
	f.natural = each * time.Duration(len(list))
	f.shape = func(d time.Duration) (curve, error) { return p.cut(d), nil }
	return nil
}

func parseBurst(f *form, args string) error {
	parts := strings.Split(args, "/")
	if len(parts) != 3 && len(parts) != 4 {
		return fmt.Errorf("%q has %d parts, write burst:RATE/ON/PERIOD or burst:RATE/ON/PERIOD/BASE, such as burst:5000/50ms/1s", args, len(parts))
	}
	rate, err := parseRate("rate", parts[0])
	if err != nil {
		return err
	}
	on, err := parseLength("burst", parts[1])
	if err != nil {
		return err
	}
	period, err := parseLength("period", parts[2])
	if err != nil {
		return err
	}
	base := 0.0
	if len(parts) == 4 {
		if base, err = parseRate("base", parts[3]); err != nil {
			return err
		}
	}
	if on >= period {
		return fmt.Errorf("a burst of %s does not fit into a period of %s, give a shorter burst", on, period)
	}
	f.text = Schedule(fmt.Sprintf("burst:%s/%s/%s", rateText(rate), on, period))
	if base > 0 {
		f.text += Schedule("/" + rateText(base))
	}
	f.shape = func(d time.Duration) (curve, error) {
		n := (d + period - 1) / period
		if n > maxBursts {
			return nil, fmt.Errorf("%d bursts in %s, at most %d are possible; give a longer period", n, d, maxBursts)
		}
		p := &pieces{}
		for range n {
			p.hold(on, rate)
			p.hold(period-on, base)
		}
		return p.cut(d), nil
	}
	return nil
}

func parseSine(f *form, args string) error {
	rates, length, ok := strings.Cut(args, "@")
	if !ok {
		return fmt.Errorf("%q does not say the period, write sine:1000±500@10s", args)
	}
	mean, amplitude, ok := strings.Cut(rates, "±")
	if !ok {
		mean, amplitude, ok = strings.Cut(rates, "+-")
	}
	if !ok {
		return fmt.Errorf("%q lacks the amplitude, write sine:1000±500@10s (or 1000+-500)", rates)
	}
	m, err := parseRate("mean", mean)
	if err != nil {
		return err
	}
	a, err := parseRate("amplitude", amplitude)
	if err != nil {
		return err
	}
	period, err := parseLength("period", length)
	if err != nil {
		return err
	}
	if _, err := newSine(m, a, period, period); err != nil {
		return err
	}
	f.text = Schedule(fmt.Sprintf("sine:%s±%s@%s", rateText(m), rateText(a), period))
	f.shape = func(d time.Duration) (curve, error) { return newSine(m, a, period, d) }
	return nil
}
