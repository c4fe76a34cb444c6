package results

// Env is the fingerprint of the machine and the first line of a record. Schema
// and Type are set on encoding.
//
// Class decides whether two records may be compared; Detail explains a
// difference between records of the same class. Warnings are things that will
// spoil a measurement, in words.
type Env struct {
	Schema string `json:"schema"`
	Type   string `json:"type"`

	Class    EnvClass     `json:"class"`
	Detail   EnvDetail    `json:"detail"`
	Warnings []EnvWarning `json:"warnings"`
}

// EnvClass is what makes two machines the same kind of machine.
type EnvClass struct {
	OS             string     `json:"os"`
	Arch           string     `json:"arch"`
	CPUVendor      NullString `json:"cpu_vendor"`
	CPUBrand       NullString `json:"cpu_brand"`
	CPUFamily      *int64     `json:"cpu_family"`
	CPUModel       *int64     `json:"cpu_model"`
	CPUStepping    *int64     `json:"cpu_stepping"`
	CPUFeatures    []string   `json:"cpu_features"` // sorted
	LogicalCores   int        `json:"logical_cores"`
	UsableCores    float64    `json:"usable_cores"` // after affinity and cgroup quota
	MemoryBytes    *int64     `json:"memory_bytes"`
	Kernel         NullString `json:"kernel"` // release, e.g. "6.18.0"
	Virtualisation NullString `json:"virtualisation"`
	GoVersion      string     `json:"go_version"`
	Disk           *EnvDisk   `json:"disk"` // of the data folder, null when none was named
	NIC            *EnvNIC    `json:"nic"`  // null when none was named

	// Keys below may be missing, which means the same as null: records of the
	// first release lack them.

	Microcode   NullString `json:"microcode,omitempty"`
	Mitigations NullString `json:"mitigations,omitempty"` // each vulnerability of the processor with what is done about it
	Sockets     *int64     `json:"sockets,omitempty"`
	NUMANodes   *int64     `json:"numa_nodes,omitempty"`
	// GoFlags is how this program was built and what its runtime was told, where
	// that is not usual: GOAMD64, -race, -tags, GOGC, GOMEMLIMIT, GODEBUG, …
	GoFlags NullString `json:"go_flags,omitempty"`
}

// EnvDisk is the device and file system behind a data folder.
type EnvDisk struct {
	Device       NullString `json:"device"`
	FS           NullString `json:"fs"`
	MountOptions NullString `json:"mount_options"`
	Scheduler    NullString `json:"scheduler"`
	Rotational   *bool      `json:"rotational"`
}

// EnvNIC is a network interface.
type EnvNIC struct {
	Name            string     `json:"name"`
	Driver          NullString `json:"driver"`
	SpeedBitsPerSec *float64   `json:"speed_bits_per_sec"` // layer 1, null when the driver does not know
	MTUBytes        *int64     `json:"mtu_bytes"`

	RxQueues *int64     `json:"rx_queues,omitempty"`
	TxQueues *int64     `json:"tx_queues,omitempty"`
	Duplex   NullString `json:"duplex,omitempty"`
}

// EnvDetail is what differs between runs on one machine.
type EnvDetail struct {
	HostHash       string     `json:"host_hash"` // of the host name; the name itself stays out of baselines
	OSRelease      NullString `json:"os_release"`
	KernelVersion  NullString `json:"kernel_version"` // build string
	VCSRevision    NullString `json:"vcs_revision"`
	VCSModified    *bool      `json:"vcs_modified"`
	CPUSet         NullString `json:"cpu_set"`      // cores this process may use, as the kernel lists them
	CgroupQuota    *float64   `json:"cgroup_quota"` // cores, null: unlimited or unknown
	PhysicalCores  *int64     `json:"physical_cores"`
	SMTActive      *bool      `json:"smt_active"`
	Governor       NullString `json:"governor"`
	Turbo          *bool      `json:"turbo"`
	MemoryFree     *int64     `json:"memory_available_bytes"`
	LoadAverage1   *float64   `json:"load_average_1min"`
	StealFraction  *float64   `json:"steal_fraction"` // since boot
	DiskFreeBytes  *int64     `json:"disk_free_bytes"`
	FsyncMedianNS  *int64     `json:"fsync_median_ns"` // small append and fdatasync in the data folder
	FsyncMaxNS     *int64     `json:"fsync_max_ns"`
	ClockSource    NullString `json:"clock_source"`
	BootTimeUnixNS *int64     `json:"boot_time_unix_ns"`

	HugePages   NullString `json:"transparent_huge_pages,omitempty"`
	MemoryLimit *int64     `json:"memory_limit_bytes,omitempty"` // of the control group
}

// EnvWarning is one thing that may spoil a measurement.
type EnvWarning struct {
	Code   string `json:"code"`   // stable, e.g. "load_average"
	Text   string `json:"text"`   // what was seen, with the value
	Remedy string `json:"remedy"` // what to do about it
}
