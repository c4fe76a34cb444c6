package probe

import "time"

// Sample is what a Watcher has counted since it was opened. Counts only grow;
// the fields called "live" are as of now.
type Sample struct {
	Time       time.Time `json:"time"`
	ElapsedSec float64   `json:"elapsed_sec"` // since the watcher was opened, or between the two samples of Sub
	// TargetGone: the watched process has ended. Its descendants are watched on.
	TargetGone bool           `json:"target_gone"`
	Sockets    *SocketSample  `json:"sockets"` // null: not watched
	Wire       *WireSample    `json:"wire"`
	RTT        *RTTSample     `json:"rtt"`
	Qdisc      *QdiscSample   `json:"qdisc"`
	Softirq    *SoftirqSample `json:"softirq"`
	Sched      *SchedSample   `json:"sched"`
}

// SocketSample is tier 1: the kernel's counters of TCP sockets.
type SocketSample struct {
	Source  string        `json:"source"`
	Classes []SocketClass `json:"classes"`
	Peers   []SocketPeer  `json:"peers"`
	// LostEvents are closed sockets whose last state did not reach us: their
	// last listed state stands in for it.
	LostEvents Count `json:"lost_events"`
}

// SocketClass sums the sockets of one class at one end.
type SocketClass struct {
	Class string `json:"class"`
	End   End    `json:"end"`

	Opened           Count `json:"opened_connections"` // established since the start
	Closed           Count `json:"closed_connections"`
	Failed           Count `json:"failed_connections"` // ended before they were established
	AppSentBytes     Count `json:"app_sent_bytes"`     // without what was sent again
	AppReceivedBytes Count `json:"app_received_bytes"`
	SegmentsOut      Count `json:"segments_out"`
	SegmentsIn       Count `json:"segments_in"`
	DataSegmentsOut  Count `json:"data_segments_out"`
	DataSegmentsIn   Count `json:"data_segments_in"`
	RetransSegments  Count `json:"retrans_segments"`
	RetransBytes     Count `json:"retrans_bytes"`
	// Busy is the time with data to send; RwndLimited and SndbufLimited the part
	// of it in which the peer's window or our buffer was what held it back.
	BusyUS          Count `json:"busy_us"`
	RwndLimitedUS   Count `json:"rwnd_limited_us"`
	SndbufLimitedUS Count `json:"sndbuf_limited_us"`

	Live SocketGauges `json:"live"`
}

// SocketGauges are of the live sockets, now. Queues are sums.
type SocketGauges struct {
	Connections     Count `json:"connections"`
	SRTTMeanUS      Count `json:"srtt_mean_us"` // over connections with a sample
	SRTTMaxUS       Count `json:"srtt_max_us"`
	MinRTTUS        Count `json:"min_rtt_us"`
	CwndSegments    Count `json:"cwnd_segments"`
	NotSentBytes    Count `json:"notsent_bytes"`
	UnackedBytes    Count `json:"unacked_bytes"`
	UnreadBytes     Count `json:"unread_bytes"`
	WmemQueuedBytes Count `json:"wmem_queued_bytes"`
	BacklogBytes    Count `json:"backlog_bytes"`
	AcceptQueue     Count `json:"accept_queue_connections"`
	AcceptLimit     Count `json:"accept_limit_connections"`
}

// SocketPeer is the traffic with one remote address, in one class.
type SocketPeer struct {
	Class            string `json:"class"`
	End              End    `json:"end"`
	Address          string `json:"address"`
	Connections      Count  `json:"live_connections"`
	AppSentBytes     Count  `json:"app_sent_bytes"`
	AppReceivedBytes Count  `json:"app_received_bytes"`
	RetransSegments  Count  `json:"retrans_segments"`
}

// WireSample is tier 2: every frame.
type WireSample struct {
	Source  string      `json:"source"`
	Classes []WireClass `json:"classes"`
	Peers   []WirePeer  `json:"peers"`
	// Unclassified packets had headers that could not be followed: they are in
	// no class, unless the whole interface is watched.
	Unclassified Count `json:"unclassified_packets"`
	// PeersLost are packets of peers beyond the 4096 of the table. They are in
	// the classes.
	PeersLost Count `json:"peers_lost_packets"`
}

// WireClass is one protocol of one class at one end.
type WireClass struct {
	Class    string     `json:"class"`
	End      End        `json:"end"`
	Protocol string     `json:"protocol"` // tcp, udp, other
	Received WireCounts `json:"received"`
	Sent     WireCounts `json:"sent"`
}

// WirePeer is the same for one remote address.
type WirePeer struct {
	WireClass
	Address string `json:"address"`
}

// WireCounts are frames and bytes as a cable would carry them: layer 2 without
// FCS, preamble and gap.
type WireCounts struct {
	Frames       Count `json:"frames"`
	L2Bytes      Count `json:"l2_bytes"`
	PayloadBytes Count `json:"payload_bytes"`
	DataFrames   Count `json:"data_frames"`
}

func (a WireCounts) sub(b WireCounts) WireCounts {
	return WireCounts{a.Frames.sub(b.Frames), a.L2Bytes.sub(b.L2Bytes), a.PayloadBytes.sub(b.PayloadBytes), a.DataFrames.sub(b.DataFrames)}
}

func (a WireCounts) add(b WireCounts) WireCounts {
	return WireCounts{a.Frames.plus(b.Frames), a.L2Bytes.plus(b.L2Bytes), a.PayloadBytes.plus(b.PayloadBytes), a.DataFrames.plus(b.DataFrames)}
}

// plus is the sum; unknown when either is.
func (c Count) plus(d Count) Count {
	if !c.Known || !d.Known {
		return Count{}
	}
	return Known(c.N + d.N)
}

// Distribution counts durations. Buckets[b] holds those of 2^(b-1) to 2^b - 1
// microseconds, Buckets[0] those below 1.
type Distribution struct {
	Samples Count    `json:"samples"`
	MeanUS  *float64 `json:"mean_us"`
	P50US   *float64 `json:"p50_us"` // interpolated in its bucket: right to a factor of 2
	P99US   *float64 `json:"p99_us"`
	Buckets []uint64 `json:"buckets_log2_us"`

	sumUS  float64
	weight float64 // of a mean without buckets
}

// RTTSample is the round trips as TCP measured them, per class.
type RTTSample struct {
	Source  string     `json:"source"`
	Classes []RTTClass `json:"classes"`
}

// RTTClass is the round trips of one class.
type RTTClass struct {
	Class string       `json:"class"`
	RTT   Distribution `json:"rtt"`
}

// QdiscSample is the time in the queue of one interface.
type QdiscSample struct {
	Source string       `json:"source"`
	Iface  string       `json:"iface"`
	TCP    Distribution `json:"tcp"`   // by the packets' departure stamp
	Other  Distribution `json:"other"` // UDP and the rest, enqueue to dequeue
	// Unknown packets left the queue with neither stamp nor a known entry.
	Unknown Count `json:"unknown_packets"`
}

// SoftirqSample is the time in softirqs, of the whole machine.
type SoftirqSample struct {
	Source        string          `json:"source"`
	Vectors       []SoftirqVector `json:"vectors"`
	NAPIPolls     Count           `json:"napi_polls"`
	NAPIPackets   Count           `json:"napi_packets"`
	NAPIFullPolls Count           `json:"napi_full_polls"` // used up their budget
}

// SoftirqVector is one kind of softirq.
type SoftirqVector struct {
	Name   string `json:"name"`
	Runs   Count  `json:"runs"`
	TimeUS Count  `json:"time_us"` // summed over processors; unknown without eBPF
}

// SchedSample is the waits of the watched processes' threads for a processor.
type SchedSample struct {
	Source string       `json:"source"`
	Wait   Distribution `json:"run_queue_wait"`
}

// Sub is what was counted between an earlier sample and s. Live values are s's.
func (s Sample) Sub(e Sample) Sample {
	d := s
	d.ElapsedSec = s.Time.Sub(e.Time).Seconds()
	if s.Sockets != nil && e.Sockets != nil {
		d.Sockets = s.Sockets.sub(e.Sockets)
	}
	if s.Wire != nil && e.Wire != nil {
		d.Wire = s.Wire.sub(e.Wire)
	}
	if s.RTT != nil && e.RTT != nil {
		r := RTTSample{Source: s.RTT.Source, Classes: []RTTClass{}}
		before := make(map[string]Distribution)
		for _, c := range e.RTT.Classes {
			before[c.Class] = c.RTT
		}
		for _, c := range s.RTT.Classes {
			r.Classes = append(r.Classes, RTTClass{c.Class, c.RTT.sub(before[c.Class])})
		}
		d.RTT = &r
	}
	if s.Qdisc != nil && e.Qdisc != nil {
		q := *s.Qdisc
		q.TCP, q.Other = q.TCP.sub(e.Qdisc.TCP), q.Other.sub(e.Qdisc.Other)
		q.Unknown = q.Unknown.sub(e.Qdisc.Unknown)
		d.Qdisc = &q
	}
	if s.Softirq != nil && e.Softirq != nil {
		d.Softirq = s.Softirq.sub(e.Softirq)
	}
	if s.Sched != nil && e.Sched != nil {
		d.Sched = &SchedSample{s.Sched.Source, s.Sched.Wait.sub(e.Sched.Wait)}
	}
	return d
}

func (s *SocketSample) sub(e *SocketSample) *SocketSample {
	d := &SocketSample{Source: s.Source, Classes: []SocketClass{}, Peers: []SocketPeer{}, LostEvents: s.LostEvents.sub(e.LostEvents)}
	type key struct {
		class, address string
		end            End
	}
	before := make(map[key]SocketClass)
	for _, c := range e.Classes {
		before[key{c.Class, "", c.End}] = c
	}
	for _, c := range s.Classes {
		b, ok := before[key{c.Class, "", c.End}]
		if ok {
			c = c.sub(b)
		}
		d.Classes = append(d.Classes, c)
	}
	peers := make(map[key]SocketPeer)
	for _, p := range e.Peers {
		peers[key{p.Class, p.Address, p.End}] = p
	}
	for _, p := range s.Peers {
		if b, ok := peers[key{p.Class, p.Address, p.End}]; ok {
			p.AppSentBytes = p.AppSentBytes.sub(b.AppSentBytes)
			p.AppReceivedBytes = p.AppReceivedBytes.sub(b.AppReceivedBytes)
			p.RetransSegments = p.RetransSegments.sub(b.RetransSegments)
		}
		d.Peers = append(d.Peers, p)
	}
	return d
}

func (c SocketClass) sub(b SocketClass) SocketClass {
	cs, bs := c.counts(), b.counts()
	for i := range cs {
		*cs[i] = cs[i].sub(*bs[i])
	}
	return c
}

// counts are the fields that only grow. The receiver is changed through them.
func (c *SocketClass) counts() []*Count {
	return []*Count{
		&c.Opened, &c.Closed, &c.Failed, &c.AppSentBytes, &c.AppReceivedBytes, &c.SegmentsOut, &c.SegmentsIn,
		&c.DataSegmentsOut, &c.DataSegmentsIn, &c.RetransSegments, &c.RetransBytes, &c.BusyUS, &c.RwndLimitedUS, &c.SndbufLimitedUS,
	}
}

func (w *WireSample) sub(e *WireSample) *WireSample {
	d := &WireSample{
		Source: w.Source, Classes: []WireClass{}, Peers: []WirePeer{},
		Unclassified: w.Unclassified.sub(e.Unclassified), PeersLost: w.PeersLost.sub(e.PeersLost),
	}
	type key struct {
		class, protocol, address string
		end                      End
	}
	before := make(map[key]WireClass)
	for _, c := range e.Classes {
		before[key{c.Class, c.Protocol, "", c.End}] = c
	}
	for _, p := range e.Peers {
		before[key{p.Class, p.Protocol, p.Address, p.End}] = p.WireClass
	}
	take := func(c WireClass, address string) WireClass {
		if b, ok := before[key{c.Class, c.Protocol, address, c.End}]; ok {
			c.Received, c.Sent = c.Received.sub(b.Received), c.Sent.sub(b.Sent)
		}
		return c
	}
	for _, c := range w.Classes {
		d.Classes = append(d.Classes, take(c, ""))
	}
	for _, p := range w.Peers {
		p.WireClass = take(p.WireClass, p.Address)
		d.Peers = append(d.Peers, p)
	}
	return d
}

// Total sums classes, ends and protocols.
func (w *WireSample) Total() (received, sent WireCounts) {
	zero := WireCounts{Known(0), Known(0), Known(0), Known(0)}
	received, sent = zero, zero
	for _, c := range w.Classes {
		received, sent = received.add(c.Received), sent.add(c.Sent)
	}
	return received, sent
}

func (s *SoftirqSample) sub(e *SoftirqSample) *SoftirqSample {
	d := &SoftirqSample{
		Source: s.Source, NAPIPolls: s.NAPIPolls.sub(e.NAPIPolls), NAPIPackets: s.NAPIPackets.sub(e.NAPIPackets),
		NAPIFullPolls: s.NAPIFullPolls.sub(e.NAPIFullPolls),
	}
	before := make(map[string]SoftirqVector)
	for _, v := range e.Vectors {
		before[v.Name] = v
	}
	for _, v := range s.Vectors {
		b := before[v.Name]
		d.Vectors = append(d.Vectors, SoftirqVector{v.Name, v.Runs.sub(b.Runs), v.TimeUS.sub(b.TimeUS)})
	}
	return d
}
