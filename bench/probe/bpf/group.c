//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every packet of the sockets of one control group. skb->data is the IP header
 * here, so link_header stays 0. The hook is above fragmentation: a datagram
 * larger than the MTU counts as one frame.
 */
#include "traffic.h"

SEC("cgroup_skb/ingress")
int weir_group_in(struct __sk_buff *skb)
{
	count_packet(skb, INGRESS);
	return 1; /* let it pass */
}

SEC("cgroup_skb/egress")
int weir_group_out(struct __sk_buff *skb)
{
	count_packet(skb, EGRESS);
	return 1;
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
