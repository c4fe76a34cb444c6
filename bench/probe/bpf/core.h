/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The fields of kernel structures that the tracing programs read. The loader
 * finds the offsets in the running kernel's BTF (CO-RE), so only names matter.
 */
#pragma once

#include "kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	u32 inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct in6_addr {
	union {
		u32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	u8 skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	struct {
		int len;
	} sk_backlog;
	int sk_wmem_queued;
	u16 sk_protocol;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
	struct sock_cgroup_data sk_cgrp_data;
};

struct inet_sock {
	struct sock sk;
	u16 inet_sport;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
};

struct minmax_sample {
	u32 t;
	u32 v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u64 bytes_sent;
	u64 bytes_retrans;
	u64 bytes_acked;
	u64 bytes_received;
	u32 segs_out;
	u32 segs_in;
	u32 data_segs_out;
	u32 data_segs_in;
	u32 total_retrans;
	u32 srtt_us;
	struct minmax rtt_min;
	u32 snd_cwnd;
	u32 mss_cache;
	u32 write_seq;
	u32 snd_nxt;
	u32 snd_una;
	u32 rcv_nxt;
	u32 copied_seq;
	u32 chrono_start;
	u32 chrono_stat[3];
	u8 chrono_type : 2; /* a whole byte in some kernels: read with BITFIELD */
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	void *map;
	struct sock *sk;
	void *value;
};

struct Qdisc {
	u32 handle;
};

struct netdev_queue;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
};

struct sk_buff {
	struct sock *sk;
	struct net_device *dev;
	long tstamp;
	u32 len;
	u8 tstamp_type : 2;
};

struct task_struct {
	int pid;
	int tgid;
	unsigned int __state;
};

#pragma clang attribute pop

/* Numbers of the field information that the loader fills in. */
#define FIELD_BYTE_OFFSET 0
#define FIELD_BYTE_SIZE 1
#define FIELD_EXISTS 2
#define FIELD_LSHIFT_U64 4
#define FIELD_RSHIFT_U64 5

#define FIELD_EXISTS_IN(object, field) __builtin_preserve_field_info((object)->field, FIELD_EXISTS)

/* A field that is a bitfield in some kernels, of any width and place. */
#define BITFIELD(object, field)                                                            \
	({                                                                                 \
		const void *at = (const void *)(object) +                                  \
				 __builtin_preserve_field_info((object)->field, FIELD_BYTE_OFFSET); \
		u64 value = 0;                                                             \
		asm volatile("" : "=r"(at) : "0"(at)); /* keep one load per width */       \
		switch (__builtin_preserve_field_info((object)->field, FIELD_BYTE_SIZE)) { \
		case 1: value = *(const u8 *)at; break;                                    \
		case 2: value = *(const u16 *)at; break;                                   \
		case 4: value = *(const u32 *)at; break;                                   \
		case 8: value = *(const u64 *)at; break;                                   \
		}                                                                          \
		value <<= __builtin_preserve_field_info((object)->field, FIELD_LSHIFT_U64); \
		value >>= __builtin_preserve_field_info((object)->field, FIELD_RSHIFT_U64); \
		value;                                                                     \
	})

#define AF_INET 2
#define AF_INET6 10

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define TCP_LISTEN 10
