//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func watch(t *testing.T, cfg WatchConfig) (*Watcher, WatchReport) {
	t.Helper()
	w, rep, err := Watch(cfg)
	if err != nil {
		t.Fatalf("%v; report %+v", err, rep)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, rep
}

func sampleOf(t *testing.T, w *Watcher) Sample {
	t.Helper()
	s, err := w.Sample()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func partNamed(t *testing.T, rep WatchReport, name string) PartReport {
	t.Helper()
	for _, p := range rep.Parts {
		if p.Part == name {
			return p
		}
	}
	t.Fatalf("no part %q in %+v", name, rep)
	return PartReport{}
}

func classOf(s *SocketSample, class string, end End) SocketClass {
	for _, c := range s.Classes {
		if c.Class == class && c.End == end {
			return c
		}
	}
	return SocketClass{}
}

// Application bytes are exact at both ends, for a connection that was there
// before, one that is live, and one that closed.
func TestSocketsCountApplicationBytes(t *testing.T) {
	needEBPF(t)
	for _, force := range []string{ForceTracing, ForceProcfs} {
		t.Run(force, func(t *testing.T) {
			ln, ap := listen(t, "127.0.0.1:0")
			before := connect(t, ln)
			if err := before.exchange(1_000_000, 10); err != nil {
				t.Fatal(err)
			}
			w, rep := watch(t, WatchConfig{Ports: []PortClass{{"client", ap.Port()}}, Force: force})
			if p := partNamed(t, rep, "sockets"); p.Source == "" || len(p.Refused) != 0 {
				t.Fatalf("report %+v", p)
			}
			live, closed := connect(t, ln), connect(t, ln)
			for _, x := range []struct {
				c       conversation
				in, out int64
			}{{before, 3_000, 5_000}, {live, 20_000_003, 7_000_001}, {closed, 123_457, 89_001}} {
				if err := x.c.exchange(x.in, x.out); err != nil {
					t.Fatal(err)
				}
			}
			closed.close()
			const in, out = 3_000 + 20_000_003 + 123_457, 5_000 + 7_000_001 + 89_001
			waitFor(t, w, func(s Sample) error {
				server, client := classOf(s.Sockets, "client", EndLocal), classOf(s.Sockets, "client", EndRemote)
				// The FIN of the closed connection counts as a byte received.
				if server.AppSentBytes != Known(out) || server.AppReceivedBytes.N-in > 1 {
					return fmt.Errorf("server sent %v of %d, received %v of %d", server.AppSentBytes, out, server.AppReceivedBytes, in)
				}
				if client.AppSentBytes != Known(in) || client.AppReceivedBytes.N-out > 1 {
					return fmt.Errorf("client sent %v of %d, received %v of %d", client.AppSentBytes, in, client.AppReceivedBytes, out)
				}
				if server.Opened != Known(2) || server.Closed != Known(1) || server.Live.Connections != Known(2) {
					return fmt.Errorf("opened %v, closed %v, live %v", server.Opened, server.Closed, server.Live.Connections)
				}
				return nil
			})
		})
	}
}

// waitFor samples until ok is satisfied: the ends of connections take a moment.
func waitFor(t *testing.T, w *Watcher, ok func(Sample) error) Sample {
	t.Helper()
	deadline := time.Now().Add(trafficTimeout)
	for {
		s := sampleOf(t, w)
		err := ok(s)
		if err == nil {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v; sockets %+v wire %+v", err, s.Sockets, s.Wire)
		}
		<-time.After(time.Millisecond) // a pause between two looks; the deadline decides
	}
}

func TestProcessIsWatchedByItself(t *testing.T) {
	needEBPF(t)
	for _, force := range []string{ForceTracing, ForceProcfs} {
		ln, _ := listen(t, "[::1]:0")
		before := connect(t, ln)
		w, _ := watch(t, WatchConfig{PID: os.Getpid(), Force: force, Tiers: []int{1}})
		c := connect(t, ln)
		if err := before.exchange(1000, 2000); err != nil {
			t.Fatal(err)
		}
		if force == ForceProcfs {
			sampleOf(t, w) // lists the new sockets
		}
		if err := c.exchange(30_000, 40_000); err != nil {
			t.Fatal(err)
		}
		waitFor(t, w, func(s Sample) error {
			// Both ends are this process's.
			got := classOf(s.Sockets, ClassOther, EndLocal)
			if got.AppSentBytes != Known(73_000) || got.AppReceivedBytes != Known(73_000) {
				return fmt.Errorf("%s: sent %v, received %v, want 73000", force, got.AppSentBytes, got.AppReceivedBytes)
			}
			return nil
		})
	}
}
