package results

// Judged is what the judgement of a trial rests on beside its counts and
// latencies. With it the verdict can be found again.
type Judged struct {
	// Cause is the first thing that was wrong: backpressure, loss, backlog,
	// latency, generator or environment; null for a good trial.
	Cause NullString `json:"cause"`
	// BacklogTxPerSec2 is the growth that was judged: the faster of the two
	// queues, with the standard error of its fit. Null when it was not known.
	BacklogTxPerSec2       *float64 `json:"backlog_tx_per_sec2"`
	BacklogStdErrTxPerSec2 *float64 `json:"backlog_std_err_tx_per_sec2"`
}

// BacklogSeries are the means of equal stretches of a trial to which the growth
// of its queues is fitted. The three lists have the same length.
type BacklogSeries struct {
	TSec     []float64 `json:"t_sec"`     // since the first intended send
	Backlog  []float64 `json:"backlog"`   // accepted − (committed + failed after acceptance)
	InFlight []float64 `json:"in_flight"` // sent − (committed + failed)
}

// SelfCheck says whether the generator was fit to measure. Above a limit the
// trial is invalid. Nothing of it is ever subtracted from a figure.
type SelfCheck struct {
	OK bool `json:"ok"`
	// Failed are the limits that were broken, in words.
	Failed []string `json:"failed"`

	LoadNS    int64   `json:"load_ns"`    // length of the schedule; a short one is not judged
	ElapsedNS int64   `json:"elapsed_ns"` // with the drain; the shares refer to it
	Cores     float64 `json:"cores"`      // that the generator may use

	CPUShare      *float64 `json:"cpu_share"` // of those cores, 0 to 1
	CPUShareLimit float64  `json:"cpu_share_limit"`

	GCPauseShare *float64 `json:"gc_pause_share"` // of the elapsed time
	// GCPauseLimitNS bounds all pauses together: a share of the elapsed time, but
	// never less than what no figure would show.
	GCPauseLimitNS int64 `json:"gc_pause_limit_ns"`

	// SchedLagP99NS is how long goroutines that could run waited for a core.
	SchedLagP99NS   *int64 `json:"sched_lag_p99_ns"`
	SchedLagLimitNS int64  `json:"sched_lag_limit_ns"`

	// SendLagP99NS is actual − intended send. What full sockets of all
	// connections explain (AllBlockedNS) is the system's doing and may come on
	// top of the limit.
	SendLagP99NS   *int64 `json:"send_lag_p99_ns"`
	AllBlockedNS   int64  `json:"all_blocked_ns"`
	SendLagLimitNS int64  `json:"send_lag_limit_ns"`

	// Fidelity is sent / offered. Its limit is a term of the service level and
	// judged with it: what full sockets held back is the system's refusal.
	Fidelity *float64 `json:"fidelity"`
}

// Search is what the interval of the knee rests on beside the trials.
type Search struct {
	Bound        NullString `json:"bound"`        // what ended the growth: system, generator, max_rate, slo, budget, environment
	Inconclusive NullString `json:"inconclusive"` // why the interval is not what was asked for
	WidthGoal    float64    `json:"width_goal"`   // (upper − lower) / lower
	FullTrialSec float64    `json:"full_trial_sec"`
	// ConfirmTrials passed at the lower bound: latencies, wire bytes and demands
	// of the summary are theirs. SetAside failed, and the same rate was good when
	// it was tried again.
	ConfirmTrials []int `json:"confirm_trials"`
	SetAside      []int `json:"set_aside"`
}

// Machine is what usage is divided by.
type Machine struct {
	NodeCores float64 `json:"node_cores"` // that the node may use
	HostCores float64 `json:"host_cores"` // that the generator may use
	SameHost  bool    `json:"same_host"`  // node and generator share the cores
	WholeHost bool    `json:"whole_host"` // those cores are all the host has
}
