package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chainweir/weir/bench/agent"
	"github.com/chainweir/weir/results"
)

// agentAnswer bounds the wait for one reading of an agent: behind a full link a
// question and its answer wait in two queues.
const agentAnswer = 1500 * time.Millisecond

// remote is the agent beside a node on another machine.
type remote struct {
	client *agent.Client

	mu   sync.Mutex // of the file, which the client's reader fills
	file *os.File
	buf  *bufio.Writer
	err  error // of the file
}

// openAgent connects to the agent and learns what the node's machine is. Its
// readings of every second go into agent.jsonl, beside the record.
func (r *run) openAgent(ctx context.Context) (*remote, error) {
	if r.cfg.Agent == nil {
		return nil, nil
	}
	r.step("asking the agent")
	a := &remote{}
	var err error
	if a.file, err = os.Create(filepath.Join(r.cfg.OutDir, "agent.jsonl")); err != nil {
		return nil, fmt.Errorf("%w: the agent's readings: %w", ErrConfig, err)
	}
	a.buf = bufio.NewWriter(a.file)
	cfg := *r.cfg.Agent
	cfg.OnReading = a.write
	if a.client, err = agent.Dial(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrConfig, err), a.close())
	}
	first, err := a.client.Snapshot(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrConfig, err), a.close())
	}
	r.trialsAgent = a
	if src := a.client.What().WireSource; src != "" {
		r.sum.Wire.Source = results.WireAgent + src
	}
	if p := first.Process; p != nil && p.UsableCores > 0 {
		r.machine.nodeCores = float64(p.UsableCores)
	}
	for _, w := range a.client.What().Warnings {
		r.warn("agent: %s", w)
	}
	for _, u := range first.Unknown {
		r.warn("agent: unknown: %s", u)
	}
	r.sum.Placement = fmt.Sprintf("generator here, node watched by an agent on its own host (%s)", cfg.Addr)
	return a, nil
}

// write keeps one reading of the stream.
func (a *remote) write(x agent.Reading) {
	line, err := json.Marshal(x)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return
	}
	if err == nil {
		_, err = a.buf.Write(append(line, '\n'))
	}
	a.err = err
}

// close ends the connection and the file of readings.
func (a *remote) close() error {
	var err error
	if a.client != nil {
		err = a.client.Close() // waits for the last write
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if werr := errors.Join(a.err, a.buf.Flush(), a.file.Close()); werr != nil {
		err = errors.Join(err, fmt.Errorf("the agent's readings: %w", werr))
	}
	return err
}

// agentReading is what the agent said at one end of a trial's window.
type agentReading struct {
	reading agent.Reading
	err     error
}

// readAgent asks the agent, if there is one. Its failure is that trial's
// unknown, not the end of the run.
func (r *trials) readAgent(ctx context.Context) *agentReading {
	if r.agent == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, agentAnswer)
	defer cancel()
	var x agentReading
	x.reading, x.err = r.agent.client.Snapshot(ctx)
	return &x
}

// attachAgent replaces what the generator's side could only guess at by what was
// seen beside the node. The node's own count of its CPU gives way to the
// kernel's, and the client's view of the wire to the node's.
func (r *trials) attachAgent(t *results.Trial, a, b *agentReading) {
	if a == nil || b == nil {
		return
	}
	if err := errors.Join(a.err, b.err); err != nil {
		t.Agent = &results.AgentUsage{Unknown: []string{err.Error()}}
		r.warn(fmt.Sprintf("trial %d: the load of the node's host and disk is unknown: %v", t.ID, err))
		return
	}
	u, wire := b.reading.Since(&a.reading)
	u.Clock = r.agent.client.Clock()
	t.Agent, t.HostCPUBusyNS = &u, u.HostCPUBusyNS
	if wire != nil {
		t.Wire = wire
	} else {
		u.Unknown = append(u.Unknown, "wire: counted at the generator's side instead")
	}
	if t.Node == nil {
		t.Node = &results.NodeUsage{}
	}
	if u.CPUUserNS != nil && u.CPUSysNS != nil {
		t.Node.CPUUserNS, t.Node.CPUSysNS = u.CPUUserNS, u.CPUSysNS
	}
	if t.Node.DiskBusyNS == nil { // a node that does not tell its own
		t.Node.DiskBusyNS, t.Node.Bytes = u.DeviceBusyNS, u.WrittenBytes
	}
	for _, why := range u.Unknown {
		r.warn(fmt.Sprintf("trial %d: agent: %s", t.ID, why))
	}
}
