//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Time of the whole machine in softirqs, by vector, and what the network's poll
 * functions did. Softirqs do not nest on one processor.
 */
#include "core.h"

#define VECTORS 10

struct softirq_time {
	u64 started_ns[VECTORS];
	u64 time_ns[VECTORS];
	u64 runs[VECTORS];
	u64 polls;         /* NAPI poll calls */
	u64 packets;       /* they handled */
	u64 full_polls;    /* that used up their budget: more was waiting */
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct softirq_time);
} busy SEC(".maps");

INLINE struct softirq_time *slot(void)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&busy, &key);
}

SEC("tp_btf/softirq_entry")
int weir_softirq_entry(u64 *ctx)
{
	u32 vector = ctx[0];
	struct softirq_time *b = slot();

	if (b && vector < VECTORS)
		b->started_ns[vector] = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_exit")
int weir_softirq_exit(u64 *ctx)
{
	u32 vector = ctx[0];
	struct softirq_time *b = slot();

	if (b && vector < VECTORS && b->started_ns[vector]) {
		b->time_ns[vector] += bpf_ktime_get_ns() - b->started_ns[vector];
		b->started_ns[vector] = 0;
		b->runs[vector]++;
	}
	return 0;
}

SEC("tp_btf/napi_poll")
int weir_napi(u64 *ctx)
{
	int work = ctx[1], budget = ctx[2];
	struct softirq_time *b = slot();

	if (!b)
		return 0;
	b->polls++;
	b->packets += work;
	if (budget && work >= budget)
		b->full_polls++;
	return 0;
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
