//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Round-trip times, and the counters of connections made while attached, by the
 * socket callbacks of a control group. No CO-RE: where the kernel has no BTF
 * this stands in for sockets.c, with less (bytes sent are those acknowledged,
 * live counters are a round trip old, connections made before are not seen).
 */
#include "kernel.h"

/* Numbers of linux/bpf.h. */
#define SOCK_OPS_ACTIVE_ESTABLISHED 4
#define SOCK_OPS_PASSIVE_ESTABLISHED 5
#define SOCK_OPS_RTT 12
#define SOCK_OPS_STATE 10
#define SOCK_OPS_RETRANS 9
#define SOCK_OPS_FLAGS_RETRANS 2
#define SOCK_OPS_FLAGS_STATE 4
#define SOCK_OPS_FLAGS_RTT 8
#define TCP_CLOSE 7
#define CLASS_MASK 0x0f
#define CLASSES 16
#define BUCKETS 32 /* bucket b holds samples of 2^(b-1) to 2^b - 1 microseconds */
#define AF_INET6 10

struct bpf_sock_ops {
	u32 op;
	u32 args[4];
	u32 family;
	u32 remote_ip4;
	u32 local_ip4;
	u32 remote_ip6[4];
	u32 local_ip6[4];
	u32 remote_port; /* network byte order, in the upper half */
	u32 local_port;  /* host byte order */
	u32 is_fullsock;
	u32 snd_cwnd;
	u32 srtt_us;
	u32 bpf_sock_ops_cb_flags;
	u32 state;
	u32 rtt_min;
	u32 snd_ssthresh;
	u32 rcv_nxt;
	u32 snd_nxt;
	u32 snd_una;
	u32 mss_cache;
	u32 ecn_flags;
	u32 rate_delivered;
	u32 rate_interval_us;
	u32 packets_out;
	u32 retrans_out;
	u32 total_retrans;
	u32 segs_in;
	u32 data_segs_in;
	u32 segs_out;
	u32 data_segs_out;
	u32 lost_out;
	u32 sacked_out;
	u32 sk_txhash;
	u64 bytes_received;
	u64 bytes_acked;
};

volatile const u8 every_port;    /* watch every socket of the group */
volatile const u8 keep_sockets;  /* keep a record per socket, for want of sockets.c */

struct rtt_histogram {
	u64 samples;
	u64 sum_us;
	u64 buckets[BUCKETS];
};

struct rtt_record {
	u64 cookie;
	u64 bytes_acked;
	u64 bytes_received;
	u32 local[4];
	u32 remote[4];
	u32 segs_out;
	u32 segs_in;
	u32 data_segs_out;
	u32 data_segs_in;
	u32 total_retrans;
	u32 srtt_us8;
	u32 min_rtt_us;
	u32 cwnd;
	u32 mss;
	u32 unacked;
	u32 family;
	u16 local_port;
	u16 remote_port;
	u32 state;
	u32 pad;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 65536);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u8);
} classes SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, CLASSES);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct rtt_histogram);
} histograms SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, struct rtt_record);
} sockets SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 1 << 18);
} events SEC(".maps");

u64 lost; /* sockets that did not fit the table, or the ring when they closed */

INLINE u32 class_of(struct bpf_sock_ops *ops)
{
	u32 port = ops->local_port;
	u8 *c = bpf_map_lookup_elem(&classes, &port);

	if (c && *c)
		return *c & CLASS_MASK;
	port = bpf_ntohl(ops->remote_port);
	c = bpf_map_lookup_elem(&classes, &port);
	return c && !(*c & ~CLASS_MASK) ? *c : 0;
}

INLINE void fill(struct rtt_record *r, struct bpf_sock_ops *ops)
{
	r->cookie = bpf_get_socket_cookie(ops);
	r->bytes_acked = ops->bytes_acked;
	r->bytes_received = ops->bytes_received;
	r->family = ops->family;
	r->local_port = ops->local_port;
	r->remote_port = bpf_ntohl(ops->remote_port);
	if (r->family == AF_INET6) {
		r->local[0] = ops->local_ip6[0];
		r->local[1] = ops->local_ip6[1];
		r->local[2] = ops->local_ip6[2];
		r->local[3] = ops->local_ip6[3];
		r->remote[0] = ops->remote_ip6[0];
		r->remote[1] = ops->remote_ip6[1];
		r->remote[2] = ops->remote_ip6[2];
		r->remote[3] = ops->remote_ip6[3];
	} else {
		r->local[0] = ops->local_ip4;
		r->remote[0] = ops->remote_ip4;
	}
	r->segs_out = ops->segs_out;
	r->segs_in = ops->segs_in;
	r->data_segs_out = ops->data_segs_out;
	r->data_segs_in = ops->data_segs_in;
	r->total_retrans = ops->total_retrans;
	r->srtt_us8 = ops->srtt_us;
	r->min_rtt_us = ops->rtt_min;
	r->cwnd = ops->snd_cwnd;
	r->mss = ops->mss_cache;
	r->unacked = ops->snd_nxt - ops->snd_una;
	r->state = ops->state;
}

INLINE void keep(struct bpf_sock_ops *ops, int closed)
{
	struct rtt_record r = {};
	u64 cookie;

	if (!keep_sockets)
		return;
	fill(&r, ops);
	cookie = r.cookie;
	if (closed) {
		bpf_map_delete_elem(&sockets, &cookie);
		if (bpf_ringbuf_output(&events, &r, sizeof(r), 0))
			__sync_fetch_and_add(&lost, 1);
	} else if (bpf_map_update_elem(&sockets, &cookie, &r, BPF_ANY)) {
		__sync_fetch_and_add(&lost, 1);
	}
}

INLINE u32 bucket_of(u32 v)
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

INLINE void sample(u32 class, u32 us)
{
	struct rtt_histogram *h = bpf_map_lookup_elem(&histograms, &class);
	u32 b = bucket_of(us);

	if (!h)
		return;
	__sync_fetch_and_add(&h->samples, 1);
	__sync_fetch_and_add(&h->sum_us, us);
	asm volatile("" : "+r"(b)); /* the bound has to be checked on this register */
	__sync_fetch_and_add(&h->buckets[b & (BUCKETS - 1)], 1);
}

SEC("sockops")
int weir_rtt(struct bpf_sock_ops *ops)
{
	u32 op = ops->op, class;

	if (op != SOCK_OPS_RTT && op != SOCK_OPS_STATE && op != SOCK_OPS_RETRANS &&
	    op != SOCK_OPS_ACTIVE_ESTABLISHED && op != SOCK_OPS_PASSIVE_ESTABLISHED)
		return 1;
	class = class_of(ops);
	if (!class && !every_port)
		return 1;
	switch (op) {
	case SOCK_OPS_RTT:
		sample(class, ops->args[0]);
		keep(ops, 0);
		break;
	case SOCK_OPS_STATE:
		if (ops->args[1] == TCP_CLOSE)
			keep(ops, 1);
		break;
	case SOCK_OPS_RETRANS:
		keep(ops, 0);
		break;
	default:
		bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | SOCK_OPS_FLAGS_RTT |
					  (keep_sockets ? SOCK_OPS_FLAGS_STATE | SOCK_OPS_FLAGS_RETRANS : 0));
		keep(ops, 0);
	}
	return 1;
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
