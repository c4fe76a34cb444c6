package loadgen

import (
	"context"
	"testing"
	"time"

	"github.com/chainweir/weir/core/tx"
)

// Answers that come while the counters are read after the end of a run belong to
// it, in whatever window they fall: nothing is left out of the sums.
func TestAnswersAfterTheEndAreCounted(t *testing.T) {
	for name, answer := range map[string]func(c *fakeConn, base uint64, count int){
		"refused": func(c *fakeConn, base uint64, count int) { c.ack(base, count, tx.StatusBusy) },
		"expired": func(c *fakeConn, base uint64, count int) { c.ack(base, count, tx.StatusExpired) },
		"taken":   func(c *fakeConn, base uint64, count int) { c.ack(base, count, tx.StatusOK) },
		"failed": func(c *fakeConn, base uint64, count int) {
			c.ack(base, count, tx.StatusOK)
			c.reject(base, count, tx.StatusOverflow)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended, answered := make(chan struct{}), make(chan struct{})
			n := startFake(t, func(c *fakeConn, base uint64, count int) {
				<-ended
				answer(c, base, count)
				if _, err := c.Write(c.reply); err != nil {
					t.Error(err)
				}
				c.reply = c.reply[:0]
				close(answered)
			})
			cfg := testConfig(n)
			cfg.Schedule, cfg.Conns, cfg.RateTxPerSec, cfg.Duration = Constant, 1, 1000, time.Millisecond
			cfg.Window, cfg.DrainTimeout = 2*time.Millisecond, time.Millisecond
			var r *run
			seen := func() bool {
				l := &r.live
				return l.accepted.Load()+l.failed.Load() > 0 && (name != "failed" || l.failed.Load() > 0)
			}
			cfg.OnEnd = func() {
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for end := r.clock(); r.clock() < end+3*int64(cfg.Window); { // into another window
					<-tick.C
				}
				close(ended)
				<-answered
				for !seen() {
					<-tick.C
				}
			}
			cfg, err := cfg.withDefaults()
			if err != nil {
				t.Fatal(err)
			}
			if r, err = newRun(cfg); err != nil {
				t.Fatal(err)
			}
			o, err := r.run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			mustAddUp(t, o)
			c := o.Trial.Counts
			if !o.Trial.Valid || c.Sent != 1 || c.Accepted+c.RejectedTotal()+c.Expired == 0 {
				t.Errorf("%+v %s", c, o.Trial.InvalidReason)
			}
			if name != "taken" && c.Lost != 0 || name == "taken" && c.Lost != 1 {
				t.Errorf("%d lost: %+v", c.Lost, c)
			}
		})
	}
}
