package results

// WireAgent stands in front of a wire source that an agent beside the node
// used: "agent/ebpf" is every frame counted at the node's interface.
const WireAgent = "agent/"

// AgentUsage is what an agent beside a remote node saw of its machine during a
// trial, from the agent's reading at the trial's start to the one at its end.
// Values that it could not tell are null, and Unknown says why.
type AgentUsage struct {
	Instance  string   `json:"instance"`   // random, of one start of the agent
	WindowSec *float64 `json:"window_sec"` // between the two readings, by the agent's clock

	HostCores       int      `json:"host_cores"` // logical ones that are online; 0: unknown
	HostCPUBusyNS   *int64   `json:"host_cpu_busy_ns"`
	HostCPUStealNS  *int64   `json:"host_cpu_steal_ns"`
	ProcessPID      int      `json:"process_pid"` // 0: unknown
	ProcessCores    float64  `json:"process_cores"`
	CPUUserNS       *int64   `json:"cpu_user_ns"` // of the process, by the kernel's count
	CPUSysNS        *int64   `json:"cpu_sys_ns"`
	ReadBytes       *int64   `json:"read_bytes"` // of the process, to the disk
	WrittenBytes    *int64   `json:"written_bytes"`
	Device          string   `json:"device"` // the disk, empty: unknown
	DeviceBusyNS    *int64   `json:"device_busy_ns"`
	DeviceWrites    *int64   `json:"device_writes"`
	DeviceReadBytes *int64   `json:"device_read_bytes"`
	DeviceWritten   *int64   `json:"device_written_bytes"`
	Clock           *Clock   `json:"clock"`
	Unknown         []string `json:"unknown"`
}

// Clock compares the agent's clock with the run's: agent = run + offset. The
// true offset is within the error of the offset, whatever the path does, as
// long as the two clocks go apart by no more than 100 millionths of the time.
type Clock struct {
	OffsetNS int64 `json:"offset_ns"`
	ErrorNS  int64 `json:"error_ns"` // half of the round trip, and 100 millionths of its age
	RTTNS    int64 `json:"rtt_ns"`   // of the exchange that tells most
	Samples  int   `json:"samples"`
}
