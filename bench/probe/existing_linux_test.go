//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"io"
	"net"
	"testing"
)

// However many sockets there are when the watcher comes, the past of none of
// them counts: their list is longer than the kernel's buffer for an iterator.
func TestThePastOfManySocketsDoesNotCount(t *testing.T) {
	needEBPF(t)
	const sockets, sent = 1500, 1000
	for _, force := range []string{ForceTracing, ForceProcfs} {
		t.Run(force, func(t *testing.T) {
			ln, ap := listen(t, "127.0.0.1:0")
			for range sockets {
				client, err := net.Dial("tcp", ap.String())
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				server, err := ln.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer server.Close()
				if _, err := client.Write(make([]byte, sent)); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(server, make([]byte, sent)); err != nil {
					t.Fatal(err)
				}
			}
			w, _ := watch(t, WatchConfig{Ports: []PortClass{{"client", ap.Port()}}, Force: force})
			for _, end := range []End{EndLocal, EndRemote} {
				got := classOf(sampleOf(t, w).Sockets, "client", end)
				if got.Live.Connections != Known(sockets) || got.Opened != Known(0) || got.AppSentBytes != Known(0) || got.AppReceivedBytes != Known(0) {
					t.Errorf("%s: %v live (want %d), %v opened, %v bytes sent and %v received since then, want 0",
						end, got.Live.Connections, sockets, got.Opened, got.AppSentBytes, got.AppReceivedBytes)
				}
			}
		})
	}
}
