//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counts what one TCP server port puts on the wire: frames, layer-2 bytes and
 * payload, per direction. Attached with tcx to an interface's ingress and
 * egress (on loopback to one of them: every packet passes both).
 *
 *   port  -> source is the server      -> out of the node
 *   port  -> destination is the server -> into the node
 *
 * The direction comes from the port and not from the hook, so the same object
 * serves the node's side, the client's side and loopback.
 *
 * A GSO or GRO packet stands for many frames but carries one set of headers:
 * the others are added back here, because skb->len alone reads one percent low
 * on bulk traffic.
 */
#include "packet.h"

#define MTU 1500

/* Set by the loader, constant afterwards: the verifier prunes by them. */
volatile const u16 port;           /* server port, network byte order */
volatile const u8 family;          /* 4 or 6: match address too; 0: any address */
volatile const u64 address[2];     /* server address, network byte order */
volatile const u32 link_header;    /* bytes in front of the IP header in skb->data */

struct flow {
	u64 packets;          /* frames on the wire */
	u64 l2_bytes;         /* Ethernet header and up, without FCS */
	u64 payload_bytes;    /* TCP payload, retransmissions included */
	u64 data_packets;     /* frames that carry payload */
	u64 mtu1500_packets;  /* frames, had the path an MTU of 1500 */
	u64 mtu1500_l2_bytes; /* and their bytes */
};

struct counters {
	struct flow in;
	struct flow out;
	u64 unclassified; /* TCP that could not be attributed: later fragments, odd headers */
};

/*
 * Plain adds are enough: both hooks run with softirqs disabled on this CPU, so
 * nothing else can touch its slot meanwhile.
 */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct counters);
} wire SEC(".maps");

INLINE int is_server(struct packet *p, const u64 *addr, u16 tcp_port)
{
	if (tcp_port != port)
		return 0;
	if (!family)
		return 1;
	return family == p->family && addr[0] == address[0] && addr[1] == address[1];
}

/* Adds one packet with its payload and per-frame headers (IP and TCP) to f. */
INLINE void count(struct __sk_buff *skb, struct flow *f, u64 payload, u64 headers)
{
	u64 frame_headers = headers + ETHERNET_HEADER;
	u64 frames = 1, frames1500 = 1;

	if (payload) {
		u64 largest = skb->gso_size;
		u64 mss = MTU - headers; /* headers <= 60 + 60 + extensions, checked by the caller */

		if (largest)
			frames = frames_of(skb, payload);
		else
			largest = payload;
		frames1500 = frames;
		if (largest > mss)
			frames1500 = payload / largest * ceil_div(largest, mss) +
				     ceil_div(payload % largest, mss);
		f->data_packets += frames;
		f->payload_bytes += payload;
	}
	f->packets += frames;
	f->l2_bytes += payload + frames * frame_headers;
	f->mtu1500_packets += frames1500;
	f->mtu1500_l2_bytes += payload + frames1500 * frame_headers;
}

SEC("tc")
int weir_wire(struct __sk_buff *skb)
{
	struct packet p = {};
	struct tcp_header tcp;
	struct counters *c;
	enum verdict v;
	u32 key = 0, headers;
	int to_server, from_server;

	v = parse_ip(skb, link_header, &p);
	if (v == NOT_IP || p.protocol != IPPROTO_TCP)
		return TCX_NEXT;

	c = bpf_map_lookup_elem(&wire, &key);
	if (!c)
		return TCX_NEXT;
	/* A later fragment has no ports; IPv6 does not fragment TCP at all. */
	if (v == UNCLASSIFIED || p.fragment == LATER_FRAGMENT || (p.fragment && p.family == 6) ||
	    bpf_skb_load_bytes(skb, p.l4_offset, &tcp, sizeof(tcp))) {
		c->unclassified++;
		return TCX_NEXT;
	}
	to_server = is_server(&p, p.destination, tcp.destination);
	from_server = is_server(&p, p.source, tcp.source);
	if (!to_server && !from_server)
		return TCX_NEXT;

	headers = (tcp.data_offset >> 4) * 4;
	if (headers < sizeof(tcp) || p.ip_header + headers > p.l3_bytes ||
	    p.ip_header + headers >= MTU) {
		c->unclassified++;
		return TCX_NEXT;
	}
	headers += p.ip_header;
	/*
	 * Two calls and not one with a chosen pointer: that would be pointer
	 * arithmetic, for which the verifier asks for CAP_PERFMON on top.
	 */
	if (to_server)
		count(skb, &c->in, p.l3_bytes - headers, headers);
	else
		count(skb, &c->out, p.l3_bytes - headers, headers);
	return TCX_NEXT;
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
