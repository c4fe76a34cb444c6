//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Time that packets spend in the queueing discipline of one interface.
 *
 * TCP stamps each packet with the moment it may leave (EDT), and the stamp goes
 * along when a shaper cuts the packet into frames; so at dequeue its age is the
 * delay. A table of packets in the queue, which UDP needs for want of a stamp,
 * would miss all of those.
 */
#include "core.h"

#define BUCKETS 32 /* bucket b holds delays of 2^(b-1) to 2^b - 1 microseconds */
#define STAMP_MONOTONIC 1

volatile const u32 ifindex;
volatile const u32 netns; /* inode: numbers of interfaces repeat in each namespace */

struct delay {
	u64 packets;
	u64 sum_ns;
	u64 max_ns;
	u64 unknown; /* dequeued without a stamp and without an entry */
	u64 buckets[BUCKETS];
};

/* 0: by the stamp (TCP), 1: by the table (UDP and the rest). */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 2);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct delay);
} delays SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, u64);
} queued SEC(".maps");

INLINE int of_interface(struct sk_buff *skb)
{
	return (u32)skb->dev->ifindex == ifindex && skb->dev->nd_net.net->ns.inum == netns;
}

/* The stamp is monotonic time since 5.18; the field tells since 6.11. */
INLINE int stamped(struct sk_buff *skb)
{
	if (!FIELD_EXISTS_IN(skb, tstamp_type))
		return 0;
	return skb->tstamp && BITFIELD(skb, tstamp_type) == STAMP_MONOTONIC;
}

INLINE u32 bucket_of(u64 v)
{
	u32 b = 0;

	for (int i = 0; i < BUCKETS - 1; i++) {
		if (!v)
			break;
		v >>= 1;
		b++;
	}
	return b;
}

INLINE void add(u32 key, u64 ns)
{
	struct delay *d = bpf_map_lookup_elem(&delays, &key);
	u32 b = bucket_of(ns / 1000);

	if (!d)
		return;
	__sync_fetch_and_add(&d->packets, 1);
	__sync_fetch_and_add(&d->sum_ns, ns);
	if (ns > d->max_ns)
		d->max_ns = ns;
	asm volatile("" : "+r"(b));
	__sync_fetch_and_add(&d->buckets[b & (BUCKETS - 1)], 1);
}

SEC("tp_btf/qdisc_enqueue")
int weir_enqueue(u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[2];
	u64 key = (u64)skb, now;

	if (!of_interface(skb) || stamped(skb))
		return 0;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&queued, &key, &now, BPF_ANY);
	return 0;
}

SEC("tp_btf/qdisc_dequeue")
int weir_dequeue(u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[3];
	u64 key = (u64)skb, now, *since;
	struct delay *d;
	u32 other = 1;

	if (!skb || !of_interface(skb))
		return 0;
	now = bpf_ktime_get_ns();
	if (stamped(skb)) {
		u64 stamp = skb->tstamp;

		/* A packet that pacing holds back is not late before its time. */
		add(0, now > stamp ? now - stamp : 0);
		return 0;
	}
	since = bpf_map_lookup_elem(&queued, &key);
	if (since) {
		add(1, now - *since);
		bpf_map_delete_elem(&queued, &key);
		return 0;
	}
	d = bpf_map_lookup_elem(&delays, &other);
	if (d)
		__sync_fetch_and_add(&d->unknown, 1);
	return 0;
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
