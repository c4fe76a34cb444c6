package loadgen

import (
	"runtime"
	"sync"
	"testing"
)

// However often tokens are taken from those that write, each of them stays one:
// with two of the same, both drivers would wait for one processor.
func TestTokensStayDistinct(t *testing.T) {
	p := &pacer{tokens: make(chan int, maxDrivers)}
	for range 3 {
		p.writers = append(p.writers, &sender{})
	}
	for k := range maxDrivers {
		p.tokens <- k
	}
	stop := make(chan struct{})
	var yielders, drivers sync.WaitGroup
	yielders.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				for _, s := range p.writers {
					p.yield(s)
				}
			}
		}
	})
	for range len(p.writers) {
		drivers.Go(func() {
			for range 100_000 {
				token := <-p.tokens
				p.mu.Lock()
				s := p.pick(token, 0)
				p.mu.Unlock()
				runtime.Gosched()
				if s.release() {
					p.tokens <- token
				}
			}
		})
	}
	drivers.Wait()
	close(stop)
	yielders.Wait()
	if a, b := <-p.tokens, <-p.tokens; a == b {
		t.Errorf("two tokens %d", a)
	}
}
