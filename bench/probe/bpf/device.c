//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Every frame of one interface, by its tcx hooks. */
#include "traffic.h"

SEC("tc")
int weir_ingress(struct __sk_buff *skb)
{
	count_packet(skb, INGRESS);
	return TCX_NEXT;
}

SEC("tc")
int weir_egress(struct __sk_buff *skb)
{
	count_packet(skb, EGRESS);
	return TCX_NEXT;
}

SEC("tc")
int weir_loopback(struct __sk_buff *skb)
{
	count_packet(skb, LOOPBACK);
	return TCX_NEXT;
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
