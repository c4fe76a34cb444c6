package netlab

import (
	"errors"
	"fmt"
	"math"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// dropper loses frames as they arrive at one side: behind the shaper, as on a
// wire, so that a lost frame has used the link. It is a small program at the
// interface's tcx ingress hook. Its link is not pinned: the kernel detaches it
// when this process ends, however it ends.
//
// A program that was attached before it in the chain (a probe, which goes to
// the head) still counts the frames that are lost here.
type dropper struct {
	state *ebpf.Map
	prog  *ebpf.Program
	link  link.Link
}

// dropState is what the program counts, with atomic adds.
type dropState struct {
	Drawn       uint64 // packets for which chance was asked
	Frames      uint64
	LostFrames  uint64
	LostL2Bytes uint64
}

// The map has two entries of this size: what the program counts, and one that
// only this package writes, whose first word is not 0 while the link is cut.
const (
	entryCounts, entryCut = 0, 1
	entryBytes            = 32
)

// Offsets of dropState's fields, and of those of the program's context that it
// reads (struct __sk_buff of linux/bpf.h, fixed by the kernel's ABI).
const (
	stateDrawn, stateFrames, stateLostFrames, stateLostBytes = 0, 8, 16, 24

	skbLen, skbGSOSegs = 0, 164

	tcxNext, tcxDrop = -1, 2
)

// openDropper loads the program and attaches it to the interface; it must run
// inside the interface's namespace.
func openDropper(ifindex int, seed, threshold uint64) (_ *dropper, err error) {
	d := &dropper{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	d.state, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "weir_loss", Type: ebpf.Array, KeySize: 4, ValueSize: entryBytes, MaxEntries: 2,
	})
	if err != nil {
		return nil, fmt.Errorf("make the loss program's map: %w", err)
	}
	d.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "weir_loss", Type: ebpf.SchedCLS, License: "Dual BSD/GPL",
		Instructions: dropProgram(d.state.FD(), seed, threshold),
	})
	if err != nil {
		return nil, fmt.Errorf("load the loss program: %w", err)
	}
	d.link, err = link.AttachTCX(link.TCXOptions{
		Interface: ifindex, Program: d.prog, Attach: ebpf.AttachTCXIngress, Anchor: link.Tail(),
	})
	if err != nil {
		return nil, fmt.Errorf("attach the loss program: %w", err)
	}
	return d, nil
}

// dropProgram is the program. r6: context, r7: frames of this packet, r8: its
// bytes at layer 2, r9: the state.
func dropProgram(state int, seed, threshold uint64) asm.Instructions {
	drop, have := "drop", "have_frames"
	mix := func(shift int32, factor uint64) asm.Instructions {
		ins := asm.Instructions{
			asm.Mov.Reg(asm.R2, asm.R1), asm.RSh.Imm(asm.R2, shift), asm.Xor.Reg(asm.R1, asm.R2),
		}
		if factor != 0 {
			ins = append(ins, imm64(asm.R2, factor), asm.Mul.Reg(asm.R1, asm.R2))
		}
		return ins
	}
	ins := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R8, asm.R6, skbLen, asm.Word),
		asm.LoadMem(asm.R7, asm.R6, skbGSOSegs, asm.Word),
		asm.JNE.Imm(asm.R7, 0, have),
		asm.Mov.Imm(asm.R7, 1),
		asm.StoreImm(asm.RFP, -4, entryCounts, asm.Word).WithSymbol(have),
	}
	lookup := asm.Instructions{
		asm.LoadMapPtr(asm.R1, state),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "pass"),
	}
	ins = append(ins, lookup...)
	ins = append(ins,
		asm.Mov.Reg(asm.R9, asm.R0),
		asm.AddAtomic.Mem(asm.R9, asm.R7, asm.DWord, stateFrames),
		asm.StoreImm(asm.RFP, -4, entryCut, asm.Word),
	)
	ins = append(ins, lookup...)
	ins = append(ins,
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.JNE.Imm(asm.R1, 0, drop),
		// r1 = the number of this draw; then SplitMix64 of it.
		asm.Mov.Imm(asm.R1, 1),
		fetchAdd(asm.R9, asm.R1, stateDrawn),
		asm.Add.Imm(asm.R1, 1),
		imm64(asm.R2, mixGamma),
		asm.Mul.Reg(asm.R1, asm.R2),
		imm64(asm.R2, seed),
		asm.Add.Reg(asm.R1, asm.R2),
	)
	ins = append(ins, mix(30, mixOne)...)
	ins = append(ins, mix(27, mixTwo)...)
	ins = append(ins, mix(31, 0)...)
	return append(ins,
		asm.RSh.Imm(asm.R1, 32),
		imm64(asm.R2, threshold),
		asm.JLT.Reg(asm.R1, asm.R2, drop),
		asm.Mov.Imm(asm.R0, tcxNext).WithSymbol("pass"),
		asm.Return(),
		asm.AddAtomic.Mem(asm.R9, asm.R7, asm.DWord, stateLostFrames).WithSymbol(drop),
		asm.AddAtomic.Mem(asm.R9, asm.R8, asm.DWord, stateLostBytes),
		asm.Mov.Imm(asm.R0, tcxDrop),
		asm.Return(),
	)
}

// fetchAdd adds src to the word at dst and puts what was there into src. The
// constant is set by hand: the assembler of cilium/ebpf 0.22 writes the one it
// had before it encoded the operation, which makes it an add without a fetch.
func fetchAdd(dst, src asm.Register, offset int16) asm.Instruction {
	ins := asm.FetchAdd.Mem(dst, src, asm.DWord, offset)
	ins.Constant = int64(asm.FetchAdd >> 8)
	return ins
}

// imm64 loads 64 bits that Go calls unsigned and the assembler signed.
func imm64(dst asm.Register, v uint64) asm.Instruction {
	if v > math.MaxInt64 {
		return asm.LoadImm(dst, -int64(math.MaxUint64-v)-1, asm.DWord)
	}
	return asm.LoadImm(dst, int64(v), asm.DWord)
}

func (d *dropper) read() (dropState, error) {
	var s dropState
	if err := d.state.Lookup(uint32(entryCounts), &s); err != nil {
		return s, fmt.Errorf("netlab: read the loss counters: %w", err)
	}
	return s, nil
}

func (d *dropper) setPartition(cut bool) error {
	entry := [entryBytes / 8]uint64{}
	if cut {
		entry[0] = 1
	}
	if err := d.state.Update(uint32(entryCut), entry, ebpf.UpdateExist); err != nil {
		return fmt.Errorf("netlab: cut the link: %w", err)
	}
	return nil
}

// close detaches and frees. The kernel frees them a moment later.
func (d *dropper) close() error {
	var errs []error
	if d.link != nil {
		errs = append(errs, d.link.Close())
	}
	if d.prog != nil {
		errs = append(errs, d.prog.Close())
	}
	if d.state != nil {
		errs = append(errs, d.state.Close())
	}
	return errors.Join(errs...)
}

// addLoss makes both sides lose frames. Segments are handed down one frame at a
// time then, so that each is lost or not by itself: a lost segment of eight
// frames would be another, gentler kind of loss.
func (l *Lab) addLoss() error {
	for side := range sideCount {
		err := l.ends[side].withNetlink(func(h *netlink.Handle) error {
			dev, err := h.LinkByName(sideIface[side])
			if err != nil {
				return openError("find "+sideIface[side], err)
			}
			if err := h.LinkSetGSOMaxSegs(dev, 1); err != nil {
				return openError("send single frames on "+sideIface[side], err)
			}
			// Each direction draws its own numbers.
			seed := l.cfg.Seed ^ uint64(side)*mixGamma
			l.ends[side].drop, err = openDropper(dev.Attrs().Index, seed, lossThreshold(l.cfg.LossFraction))
			if err != nil {
				return lossError(err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func lossError(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("netlab: loss: %w: %w; an eBPF program loses the frames, which a user namespace may not load: "+
			"run as root, or leave the loss out", ErrNotPermitted, err)
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("netlab: loss is not available on this kernel: %w: %w; use Linux 6.6 or later with eBPF, or leave the loss out",
			ErrKernelFeature, err)
	}
	return fmt.Errorf("netlab: loss: %w", err)
}

// SetPartition cuts the link, or joins it again: while it is cut every frame in
// both directions is lost as it arrives. It needs a lab that was opened with a
// loss or with Config.Partitionable.
func (l *Lab) SetPartition(cut bool) error {
	for side := range sideCount {
		e, err := l.side(side)
		if err != nil {
			return err
		}
		if e.drop == nil {
			return fmt.Errorf("netlab: %w: this lab loses nothing; open it with Partitionable", ErrConfig)
		}
		if err := e.drop.setPartition(cut); err != nil {
			return err
		}
	}
	return nil
}

// Losses returns what one side has lost since Open. A lab without loss has lost
// nothing and counted nothing.
func (l *Lab) Losses(side Side) (Losses, error) {
	e, err := l.side(side)
	if err != nil || e.drop == nil {
		return Losses{}, err
	}
	s, err := e.drop.read()
	return Losses{Frames: s.Frames, LostFrames: s.LostFrames, LostL2Bytes: s.LostL2Bytes, packetsDrawn: s.Drawn}, err
}
