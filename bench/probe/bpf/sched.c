//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Time that threads of the watched processes wait for a processor: from being
 * woken, or taken off while still runnable, to running again.
 */
#include "core.h"

#define BUCKETS 32 /* bucket b holds waits of 2^(b-1) to 2^b - 1 microseconds */

struct run_wait {
	u64 count;
	u64 sum_ns;
	u64 max_ns;
	u64 buckets[BUCKETS];
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u8);
} pids SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} runnable SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct run_wait);
} waits SEC(".maps");

INLINE int watched(struct task_struct *t)
{
	u32 tgid = t->tgid;

	return bpf_map_lookup_elem(&pids, &tgid) != 0;
}

INLINE void mark(struct task_struct *t)
{
	u32 thread = t->pid;
	u64 now;

	if (!watched(t))
		return;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&runnable, &thread, &now, BPF_NOEXIST);
}

SEC("tp_btf/sched_wakeup")
int weir_wakeup(u64 *ctx)
{
	mark((struct task_struct *)ctx[0]);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int weir_wakeup_new(u64 *ctx)
{
	mark((struct task_struct *)ctx[0]);
	return 0;
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

SEC("tp_btf/sched_switch")
int weir_switch(u64 *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];
	u32 key = 0, thread = next->pid, b;
	struct run_wait *w;
	u64 *since, ns;

	if (!prev->__state) /* TASK_RUNNING: it was taken off */
		mark(prev);
	since = bpf_map_lookup_elem(&runnable, &thread);
	if (!since)
		return 0;
	ns = bpf_ktime_get_ns() - *since;
	bpf_map_delete_elem(&runnable, &thread);
	w = bpf_map_lookup_elem(&waits, &key);
	if (!w)
		return 0;
	w->count++;
	w->sum_ns += ns;
	if (ns > w->max_ns)
		w->max_ns = ns;
	b = bucket_of(ns / 1000);
	asm volatile("" : "+r"(b));
	w->buckets[b & (BUCKETS - 1)]++;
	return 0;
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
