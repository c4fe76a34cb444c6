//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The kernel's own counters of the TCP sockets that are watched. No program
 * runs per packet: a socket is marked when it is connected (or found by
 * weir_existing), read when the loader asks (weir_live), and its last state
 * comes over the ring when it closes.
 */
#include "core.h"

/* Which sockets. A filter that is 0 is off; all off: every TCP socket. */
volatile const u32 netns;     /* inode of the network namespace, 0: any */
volatile const u8 by_port;    /* local or remote port in classes */
volatile const u8 by_process; /* opened by a process in pids; a listener's connections inherit */
volatile const u8 by_group;   /* control group in groups */

u64 lost; /* closed sockets whose record did not fit the ring */

enum kind { LIVE = 0, CLOSED = 1, EXISTING = 2 };

struct socket_record {
	u64 cookie;
	u64 group; /* control group's inode */
	u64 bytes_sent;
	u64 bytes_retrans;
	u64 bytes_acked;
	u64 bytes_received;
	u64 jiffies;
	u64 time_ns; /* CLOCK_MONOTONIC */
	u32 local[4];
	u32 remote[4];
	u32 netns;
	u32 segs_out;
	u32 segs_in;
	u32 data_segs_out;
	u32 data_segs_in;
	u32 total_retrans;
	u32 srtt_us8; /* eighths of a microsecond */
	u32 min_rtt_us;
	u32 cwnd;
	u32 mss;
	u32 notsent;
	u32 unacked;
	u32 unread;
	u32 wmem_queued;
	u32 backlog;
	u32 accept_queue;
	u32 accept_limit;
	u32 chrono_start;
	u32 chrono_stat[3];
	u16 family;
	u16 local_port;
	u16 remote_port;
	u8 state;
	u8 chrono_type;
	u8 kind;
	u8 pad[3];
};

/* Keeps the type in the object, for the generator of the Go code. */
const struct socket_record *socket_record_type __attribute__((unused));

struct mark {
	u32 closed;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_SK_STORAGE);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	MAP_TYPE(key, int);
	MAP_TYPE(value, struct mark);
} marks SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 1 << 20);
} events SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 65536);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u8);
} classes SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u8);
} pids SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, u8);
} groups SEC(".maps");

/* Sockets that the watched processes held before we came, by cookie. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, u8);
} cookies SEC(".maps");

INLINE u32 netns_of(struct sock *sk)
{
	return sk->__sk_common.skc_net.net->ns.inum;
}

INLINE u64 group_of(struct sock *sk)
{
	struct cgroup *c = sk->sk_cgrp_data.cgroup;

	return c ? c->kn->id : 0;
}

INLINE int watched_port(u16 port_be)
{
	u32 port = bpf_ntohs(port_be);
	u8 *c = bpf_map_lookup_elem(&classes, &port);

	return c && *c;
}

INLINE int wanted(struct sock *sk, struct tcp_sock *tp, int in_process)
{
	if (netns && netns_of(sk) != netns)
		return 0;
	if (by_group) {
		u64 id = group_of(sk);

		return bpf_map_lookup_elem(&groups, &id) != 0;
	}
	if (by_process) {
		u32 pid = bpf_get_current_pid_tgid() >> 32;
		u64 cookie = bpf_get_socket_cookie(sk);

		if (in_process && bpf_map_lookup_elem(&pids, &pid))
			return 1;
		return bpf_map_lookup_elem(&cookies, &cookie) != 0;
	}
	/* The source port and not skc_num, which is 0 already when a child closes. */
	if (by_port)
		return watched_port(tp->inet_conn.icsk_inet.inet_sport) ||
		       watched_port(sk->__sk_common.skc_dport);
	return 1;
}

INLINE void fill(struct socket_record *r, struct sock *sk, struct tcp_sock *tp)
{
	r->cookie = bpf_get_socket_cookie(sk);
	r->group = group_of(sk);
	r->netns = netns_of(sk);
	r->jiffies = bpf_jiffies64();
	r->time_ns = bpf_ktime_get_ns();
	r->family = sk->__sk_common.skc_family;
	r->state = sk->__sk_common.skc_state;
	r->local_port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
	r->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	if (r->family == AF_INET6) {
		for (int i = 0; i < 4; i++) {
			r->local[i] = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[i];
			r->remote[i] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[i];
		}
	} else {
		r->local[0] = sk->__sk_common.skc_rcv_saddr;
		r->remote[0] = sk->__sk_common.skc_daddr;
	}
	if (r->state == TCP_LISTEN) {
		/* A listener has queues of connections, and none of bytes. */
		r->accept_queue = sk->sk_ack_backlog;
		r->accept_limit = sk->sk_max_ack_backlog;
		return;
	}
	r->bytes_sent = tp->bytes_sent;
	r->bytes_retrans = tp->bytes_retrans;
	r->bytes_acked = tp->bytes_acked;
	r->bytes_received = tp->bytes_received;
	r->segs_out = tp->segs_out;
	r->segs_in = tp->segs_in;
	r->data_segs_out = tp->data_segs_out;
	r->data_segs_in = tp->data_segs_in;
	r->total_retrans = tp->total_retrans;
	r->srtt_us8 = tp->srtt_us;
	r->min_rtt_us = tp->rtt_min.s[0].v;
	r->cwnd = tp->snd_cwnd;
	r->mss = tp->mss_cache;
	r->notsent = tp->write_seq - tp->snd_nxt;
	r->unacked = tp->snd_nxt - tp->snd_una;
	r->unread = tp->rcv_nxt - tp->copied_seq;
	r->wmem_queued = sk->sk_wmem_queued;
	r->backlog = sk->sk_backlog.len;
	r->chrono_start = tp->chrono_start;
	r->chrono_stat[0] = tp->chrono_stat[0];
	r->chrono_stat[1] = tp->chrono_stat[1];
	r->chrono_stat[2] = tp->chrono_stat[2];
	r->chrono_type = BITFIELD(tp, chrono_type);
}

SEC("tp_btf/inet_sock_set_state")
int weir_state(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int state = ctx[2];
	struct tcp_sock *tp;
	struct mark *m;

	if (state != TCP_ESTABLISHED && state != TCP_CLOSE && state != TCP_SYN_SENT && state != TCP_LISTEN)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0; /* SCTP, DCCP and MPTCP report their states here too */
	m = bpf_sk_storage_get(&marks, sk, 0, 0);
	if (state != TCP_CLOSE) {
		/*
		 * connect() and listen() run in their process; a connection that comes
		 * in does not. A socket may be connected again after it closed.
		 */
		if (m)
			m->closed = 0;
		else if (wanted(sk, tp, state != TCP_ESTABLISHED))
			bpf_sk_storage_get(&marks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		return 0;
	}
	if (m && !m->closed) {
		struct socket_record r = {};

		m->closed = 1;
		fill(&r, sk, tp);
		r.kind = CLOSED;
		r.state = ctx[1]; /* the state it comes from */
		if (bpf_ringbuf_output(&events, &r, sizeof(r), 0))
			__sync_fetch_and_add(&lost, 1);
	}
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int weir_live(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct mark *m = ctx->value;
	struct socket_record r = {};
	struct tcp_sock *tp;

	if (!sk || !m || m->closed)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	fill(&r, sk, tp);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

SEC("iter/tcp")
int weir_existing(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct socket_record r = {};
	struct tcp_sock *tp;
	struct sock *sk;

	if (!skc)
		return 0;
	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp)
		return 0; /* TIME_WAIT, or a connection half made */
	sk = (struct sock *)tp;
	if (!wanted(sk, tp, 0))
		return 0;
	/* Marked by weir_state meanwhile: it is new, and counts from zero. */
	if (bpf_sk_storage_get(&marks, sk, 0, 0) ||
	    !bpf_sk_storage_get(&marks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE))
		return 0;
	fill(&r, sk, tp);
	r.kind = EXISTING;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
