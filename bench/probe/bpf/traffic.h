/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counts frames, layer-2 bytes and payload per class of traffic, for TCP, UDP
 * and the rest. A class is a set of ports. Shared by the interface's hooks
 * (device.c) and the control group's (group.c); no CO-RE.
 */
#pragma once

#include "packet.h"

#define CLASSES 16      /* class 0 is unused: it means "not watched" */
#define PORT_LOCAL 0x80 /* the port is watched at its owner's end only */
#define CLASS_MASK 0x0f

enum { LOCAL_END = 0, REMOTE_END = 1 };     /* whose port is the watched one */
enum { RECEIVED = 0, SENT = 1 };            /* as this host sees it */
enum { PROTO_TCP = 0, PROTO_UDP = 1, PROTO_OTHER = 2, PROTOCOLS = 3 };
enum { INGRESS = 0, EGRESS = 1, LOOPBACK = 2 };

/* ((class * 2 + end) * 2 + direction) * 3 + protocol */
#define COUNTERS (CLASSES * 2 * 2 * PROTOCOLS)

volatile const u8 unmatched; /* class of packets of no watched port; 0: not counted */
volatile const u8 per_peer;  /* also count by remote address */
volatile const u32 link_header;

struct traffic {
	u64 frames;
	u64 l2_bytes; /* Ethernet header and up, without FCS */
	u64 payload_bytes;
	u64 data_frames; /* frames that carry payload */
};

struct peer_key {
	u64 address[2];
	u32 family; /* 4 or 6 */
	u32 index;  /* of the counter */
};

struct fragment_key {
	u64 source[2];
	u64 destination[2];
	u32 id;
	u32 protocol;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 65536);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u8);
} classes SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, COUNTERS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct traffic);
} counters SEC(".maps");

/* What could not be told: packets, and packets of peers beyond the table. */
struct lost {
	u64 unclassified;
	u64 peers;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct lost);
} losses SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, struct peer_key);
	MAP_TYPE(value, struct traffic);
} peers SEC(".maps");

/* A later fragment has no ports: it is what its first one was. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_TYPE(key, struct fragment_key);
	MAP_TYPE(value, u32);
} fragments SEC(".maps");

INLINE u8 class_of(u16 port_be)
{
	u32 port = bpf_ntohs(port_be);
	u8 *c = bpf_map_lookup_elem(&classes, &port);

	return c ? *c : 0;
}

INLINE u32 counter_index(u32 class, u32 end, u32 direction, u32 protocol)
{
	return (((class & CLASS_MASK) * 2 + end) * 2 + direction) * PROTOCOLS + protocol;
}

/*
 * The counter of a packet between two ports, COUNTERS for none. On an ordinary
 * hook the local port is the destination of what comes in. Loopback shows each
 * packet once and both ends are local: there the watched port's owner is "this
 * host".
 */
INLINE u32 classify(int hook, u16 source, u16 destination, u32 protocol)
{
	u8 s = class_of(source), d = class_of(destination);

	if (hook == LOOPBACK) {
		if (d)
			return counter_index(d, LOCAL_END, RECEIVED, protocol);
		if (s)
			return counter_index(s, LOCAL_END, SENT, protocol);
	} else {
		u32 direction = hook == INGRESS ? RECEIVED : SENT;
		u8 local = hook == INGRESS ? d : s;
		u8 remote = hook == INGRESS ? s : d;

		if (local)
			return counter_index(local, LOCAL_END, direction, protocol);
		if (remote && !(remote & PORT_LOCAL))
			return counter_index(remote, REMOTE_END, direction, protocol);
	}
	if (!unmatched)
		return COUNTERS;
	return counter_index(unmatched, LOCAL_END, hook == INGRESS ? RECEIVED : SENT, protocol);
}

INLINE void add(struct traffic *t, u64 frames, u64 l2, u64 payload)
{
	/*
	 * Atomic: a control group's egress hook runs in a process's context, and a
	 * softirq on the same processor may come in between.
	 */
	__sync_fetch_and_add(&t->frames, frames);
	__sync_fetch_and_add(&t->l2_bytes, l2);
	if (payload) {
		__sync_fetch_and_add(&t->payload_bytes, payload);
		__sync_fetch_and_add(&t->data_frames, frames);
	}
}

INLINE void lose(u64 unclassified, u64 of_peers)
{
	u32 key = 0;
	struct lost *l = bpf_map_lookup_elem(&losses, &key);

	if (!l)
		return;
	__sync_fetch_and_add(&l->unclassified, unclassified);
	__sync_fetch_and_add(&l->peers, of_peers);
}

INLINE void add_peer(const struct packet *p, u32 index, int sent, u64 frames, u64 l2, u64 payload)
{
	struct peer_key key = {};
	struct traffic zero = {}, *t;

	key.address[0] = sent ? p->destination[0] : p->source[0];
	key.address[1] = sent ? p->destination[1] : p->source[1];
	key.family = p->family;
	key.index = index;
	t = bpf_map_lookup_elem(&peers, &key);
	if (!t) {
		bpf_map_update_elem(&peers, &key, &zero, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&peers, &key);
	}
	if (t)
		add(t, frames, l2, payload);
	else
		lose(0, 1);
}

INLINE void record(const struct packet *p, u32 index, u64 frames, u64 l2, u64 payload)
{
	struct traffic *t = bpf_map_lookup_elem(&counters, &index);

	if (!t)
		return;
	add(t, frames, l2, payload);
	if (per_peer && p->family)
		add_peer(p, index, (index / PROTOCOLS) & 1, frames, l2, payload);
}

/* A packet without ports that could be read. */
INLINE void count_other(struct __sk_buff *skb, const struct packet *p, int hook, u32 protocol)
{
	u64 l2 = (u64)skb->len - link_header + ETHERNET_HEADER;

	if (unmatched)
		record(p, counter_index(unmatched, LOCAL_END, hook == INGRESS ? RECEIVED : SENT, protocol), 1, l2, 0);
}

INLINE u32 protocol_index(u8 protocol)
{
	if (protocol == IPPROTO_TCP)
		return PROTO_TCP;
	return protocol == IPPROTO_UDP ? PROTO_UDP : PROTO_OTHER;
}

INLINE void fragment_key(const struct packet *p, struct fragment_key *k)
{
	k->source[0] = p->source[0];
	k->source[1] = p->source[1];
	k->destination[0] = p->destination[0];
	k->destination[1] = p->destination[1];
	k->id = p->fragment_id;
	k->protocol = p->protocol;
}

INLINE void count_later_fragment(const struct packet *p)
{
	struct fragment_key key = {};
	u32 *index;

	fragment_key(p, &key);
	index = bpf_map_lookup_elem(&fragments, &key);
	if (!index) {
		lose(1, 0); /* of no watched port, or ahead of its first fragment */
		return;
	}
	if (*index < COUNTERS && p->l3_bytes >= p->ip_header)
		record(p, *index, 1, p->l3_bytes + ETHERNET_HEADER, p->l3_bytes - p->ip_header);
}

/* Length of the TCP or UDP header and the two ports; 0: cannot be read. */
INLINE u32 ports_of(struct __sk_buff *skb, const struct packet *p, u16 *source, u16 *destination)
{
	struct tcp_header tcp;
	struct udp_header udp;
	u32 length;

	if (p->protocol == IPPROTO_UDP) {
		if (bpf_skb_load_bytes(skb, p->l4_offset, &udp, sizeof(udp)))
			return 0;
		*source = udp.source;
		*destination = udp.destination;
		return sizeof(udp);
	}
	if (bpf_skb_load_bytes(skb, p->l4_offset, &tcp, sizeof(tcp)))
		return 0;
	*source = tcp.source;
	*destination = tcp.destination;
	length = (tcp.data_offset >> 4) * 4;
	return length < sizeof(tcp) ? 0 : length;
}

INLINE void count_packet(struct __sk_buff *skb, int hook)
{
	struct packet p = {};
	enum verdict v = parse_ip(skb, link_header, &p);
	u32 protocol, header, index;
	u16 source, destination;
	u64 payload, frames;

	if (v == NOT_IP) {
		count_other(skb, &p, hook, PROTO_OTHER);
		return;
	}
	protocol = protocol_index(p.protocol);
	if (v == UNCLASSIFIED) {
		lose(1, 0);
		count_other(skb, &p, hook, PROTO_OTHER);
		return;
	}
	if (protocol == PROTO_OTHER) {
		count_other(skb, &p, hook, PROTO_OTHER);
		return;
	}
	if (p.fragment == LATER_FRAGMENT) {
		count_later_fragment(&p);
		return;
	}
	header = ports_of(skb, &p, &source, &destination);
	if (!header || p.ip_header + header > p.l3_bytes) {
		lose(1, 0);
		count_other(skb, &p, hook, protocol);
		return;
	}
	index = classify(hook, source, destination, protocol);
	if (index >= COUNTERS)
		return;
	if (p.fragment == FIRST_FRAGMENT) {
		struct fragment_key key = {};

		fragment_key(&p, &key);
		bpf_map_update_elem(&fragments, &key, &index, BPF_ANY);
	}
	payload = p.l3_bytes - p.ip_header - header;
	frames = frames_of(skb, payload);
	record(&p, index, frames, payload + frames * (p.ip_header + header + ETHERNET_HEADER), payload);
}
