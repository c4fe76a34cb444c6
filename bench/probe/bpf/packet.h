/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the IP layer tells about a packet, shared by every packet counter. Only
 * bpf_skb_load_bytes is used: cgroup programs may not call bpf_skb_pull_data,
 * and nothing here needs the running kernel's type information.
 */
#pragma once

#include "kernel.h"

#define ETHERNET_HEADER 14
#define MAX_EXTENSIONS 4
#define JUMBO_OPTION 0xc2 /* RFC 2675 */

enum fragment { WHOLE = 0, FIRST_FRAGMENT = 1, LATER_FRAGMENT = 2 };

struct packet {
	u64 source[2];
	u64 destination[2];
	u32 l4_offset;   /* of the TCP or UDP header, from skb->data */
	u32 ip_header;   /* IP header bytes that every frame of this packet carries */
	u32 l3_bytes;    /* IP header and up, as one packet */
	u32 fragment_id; /* what the fragments of one packet have in common */
	u8 fragment;     /* enum fragment */
	u8 family;       /* 4 or 6 */
	u8 protocol;
};

/* UNCLASSIFIED: IP with headers that cannot be followed; protocol is set. */
enum verdict { NOT_IP, UNCLASSIFIED, IP };

INLINE enum verdict parse_ipv4(struct __sk_buff *skb, u32 link, struct packet *p)
{
	struct ipv4_header ip;
	u16 fragment;

	if (bpf_skb_load_bytes(skb, link, &ip, sizeof(ip)))
		return NOT_IP;
	p->family = 4;
	p->protocol = ip.protocol;
	p->ip_header = (ip.version_ihl & 15) * 4;
	/*
	 * The header's own length leaves out a short frame's padding. It is 0 in a
	 * packet of more than 64 KiB (BIG TCP), and GSO packets are taken whole.
	 */
	p->l3_bytes = skb->len - link;
	if (!skb->gso_size && ip.total_length)
		p->l3_bytes = bpf_ntohs(ip.total_length);
	if (p->ip_header < sizeof(ip))
		return UNCLASSIFIED;
	fragment = bpf_ntohs(ip.fragment);
	if (fragment & 0x1fff)
		p->fragment = LATER_FRAGMENT;
	else if (fragment & 0x2000)
		p->fragment = FIRST_FRAGMENT;
	p->fragment_id = ip.id;
	p->source[0] = ip.source;
	p->destination[0] = ip.destination;
	p->l4_offset = link + p->ip_header;
	return IP;
}

INLINE int is_extension(u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS;
}

INLINE enum verdict parse_ipv6(struct __sk_buff *skb, u32 link, struct packet *p)
{
	struct ipv6_header ip;
	struct ipv6_extension ext;
	u32 phantom = 0;
	u8 next;

	if (bpf_skb_load_bytes(skb, link, &ip, sizeof(ip)))
		return NOT_IP;
	p->family = 6;
	p->source[0] = ip.source[0];
	p->source[1] = ip.source[1];
	p->destination[0] = ip.destination[0];
	p->destination[1] = ip.destination[1];
	p->l3_bytes = skb->len - link;
	if (!skb->gso_size && ip.payload_length)
		p->l3_bytes = bpf_ntohs(ip.payload_length) + sizeof(ip);
	p->protocol = IPPROTO_TCP; /* what a chain that cannot be followed is taken for */
	next = ip.next_header;
	p->l4_offset = link + sizeof(ip);
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		if (!is_extension(next))
			break;
		if (bpf_skb_load_bytes(skb, p->l4_offset, &ext, sizeof(ext)))
			return UNCLASSIFIED;
		/*
		 * The kernel marks a packet of more than 64 KiB (BIG TCP) with a jumbo
		 * option that never reaches a wire: skipped, but not counted.
		 */
		if (next == IPPROTO_HOPOPTS && !ip.payload_length &&
		    ext.option_type == JUMBO_OPTION && !ext.length)
			phantom = sizeof(ext);
		next = ext.next_header;
		p->l4_offset += (ext.length + 1) * 8;
	}
	if (is_extension(next))
		return UNCLASSIFIED; /* a longer chain than we follow */
	if (next == IPPROTO_FRAGMENT) {
		if (bpf_skb_load_bytes(skb, p->l4_offset, &ext, sizeof(ext)))
			return UNCLASSIFIED;
		next = ext.next_header;
		/* Bytes 2 and 3: offset in 8-byte units, two zero bits, "more follow". */
		if (ext.option_type || (ext.option_length & 0xf8))
			p->fragment = LATER_FRAGMENT;
		else if (ext.option_length & 1)
			p->fragment = FIRST_FRAGMENT;
		p->fragment_id = ext.option_data;
		p->l4_offset += sizeof(ext);
	}
	p->protocol = next;
	p->l3_bytes -= phantom;
	p->ip_header = p->l4_offset - link - phantom;
	return IP;
}

/* link: bytes in front of the IP header in skb->data. */
INLINE enum verdict parse_ip(struct __sk_buff *skb, u32 link, struct packet *p)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return parse_ipv4(skb, link, p);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(skb, link, p);
	return NOT_IP;
}

INLINE u64 ceil_div(u64 a, u64 b)
{
	return (a + b - 1) / b;
}

/*
 * Frames that a packet with this payload is on the wire: one, or as many as
 * segmentation offload (TCP or UDP_SEGMENT) makes of it. gso_segs is 0 in a
 * packet from an untrusted source: the kernel fills it in later.
 */
INLINE u64 frames_of(struct __sk_buff *skb, u64 payload)
{
	u64 size = skb->gso_size;

	if (!size || !payload)
		return 1;
	return skb->gso_segs ? skb->gso_segs : ceil_div(payload, size);
}
