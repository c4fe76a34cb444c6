package probe

import "time"

// gauge adds up the live sockets of one class.
type gauge struct {
	connections, sampled               uint64
	srtt, maxSRTT, minRTT              time.Duration
	cwnd, notSent, unacked, unread     uint64
	wmem, backlog                      uint64
	acceptQueue, acceptLimit, listened uint64
}

func (g *gauge) add(s *Socket) {
	if s.State == tcpListen {
		g.listened++
		g.acceptQueue += uint64(s.AcceptQueue)
		g.acceptLimit += uint64(s.AcceptLimit)
		return
	}
	g.connections++
	if s.SRTT > 0 {
		g.sampled++
		g.srtt += s.SRTT
		g.maxSRTT = max(g.maxSRTT, s.SRTT)
	}
	if s.MinRTT > 0 && (g.minRTT == 0 || s.MinRTT < g.minRTT) {
		g.minRTT = s.MinRTT
	}
	g.cwnd += uint64(s.CwndSegments)
	g.notSent += uint64(s.NotSentBytes)
	g.unacked += uint64(s.UnackedBytes)
	g.unread += uint64(s.UnreadBytes)
	g.wmem += uint64(s.WmemQueuedBytes)
	g.backlog += uint64(s.BacklogBytes)
}

func (g *gauge) gauges(b *socketBook) SocketGauges {
	out := SocketGauges{Connections: Known(g.connections), CwndSegments: Known(g.cwnd), UnackedBytes: Known(g.unacked)}
	if g.sampled > 0 {
		out.SRTTMeanUS = micros(g.srtt / time.Duration(g.sampled))
		out.SRTTMaxUS = micros(g.maxSRTT)
	}
	if g.minRTT > 0 {
		out.MinRTTUS = micros(g.minRTT)
	}
	if b.queues {
		out.NotSentBytes, out.UnreadBytes = Known(g.notSent), Known(g.unread)
	}
	if b.memory {
		out.WmemQueuedBytes, out.BacklogBytes = Known(g.wmem), Known(g.backlog)
	}
	if g.listened > 0 {
		out.AcceptQueue, out.AcceptLimit = Known(g.acceptQueue), Known(g.acceptLimit)
	}
	return out
}
