package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/chainweir/weir/asm/_gen/internal/shani"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pipeline is a loop for long runs of pairs. One turn takes one pair in and
// lets one digest out; between them a pair passes through stages, one a turn,
// and the stages of as many pairs lie in the code of a turn side by side:
//
//	turn       0         1         2         3         4
//	pair 0   stage 0 │ stage 1 │ stage 2 │ stage 3 │
//	pair 1             stage 0 │ stage 1 │ stage 2 │ stage 3 │
//	pair 2                       stage 0 │ stage 1 │ …
//
// So at every point one pair is at its beginning, which waits for memory, others
// make schedule words, one may have a table instead, another writes its digest,
// and the SHA unit always has several SHA256RNDS2 that do not wait for each
// other. Pairs in step come to each of these at the same time, and then wait for
// the same unit. At the end of a turn a pair's registers move to the next
// stage's, which costs the processor a renaming.
//
// Registers:
//
//	X0            operand of SHA256RNDS2; temporary within a step
//	X1-X10        ABEF and CDGH of up to five stages
//	the others    newest words of the pairs that make words; at least one is free
//	frame         a place for digests that are none; for each pair the piece of a
//	              stream, and its reminder (courses.go)
type pipeline struct {
	path   path
	stages []*stage
	free   []reg.Register
	// second is the second half of four rounds of a stage, not yet written.
	second      func()
	secondStage *stage
}

// stage holds a pair during a turn.
type stage struct {
	stream
	newest reg.Register // the newest four schedule words, while the pair makes any
}

const stageBytes = shani.StreamBytes + 16

// Registers of the loop.
var (
	runSrc, runLast  = reg.RSI, reg.RDI // the pair to take in; the last one
	runOut, runDst   = reg.RBX, reg.RAX // where the digest goes; where it would, were there no fill
	runFirst, runEnd = reg.RCX, reg.R13 // the first digest's place; behind the last one's
	runNowhere       = reg.R14          // where digests go that are none
	runSpare         = reg.RDX
	runFrames        = []reg.Register{reg.R8, reg.R9, reg.R10, reg.R11, reg.R12}
)

// pipelineKernel writes the pipeline for a job.
func pipelineKernel(t tables, j job, course []step, stages int) {
	p := newPipeline(t, inARow{stages}, stages)
	name := fmt.Sprintf("shani%sRun", j.name)
	build.TEXT(name, 0, "func(dst, src *byte, n int)")
	build.Doc(fmt.Sprintf("%s sets digest i of dst to %s for pair i of src, n of them, at least 1.", name, j.doc))
	build.Pragma("noescape")
	p.write(course)
}

// path is the way of a pipeline through the pairs, with the registers for it.
type path interface {
	// enter sets the registers, runNowhere having the frame's start.
	enter()
	// aim begins a turn: it sets runOut. Turns in which no pair has come to the
	// last stage yet, the fill, write their digest of nothing to the frame.
	aim()
	// advance sets runSrc to the next pair. Turns in which none is left take
	// the last one in again.
	advance()
	// loop goes to the label unless the last digest is written.
	loop(label operand.LabelRef)
}

// newPipeline makes a pipeline of so many stages.
func newPipeline(t tables, w path, stages int) *pipeline {
	p := &pipeline{path: w}
	for i := range stages {
		s := &stage{stream: stream{Stream: shani.Streams(1, runFrames[i])[0], t: t, src: runSrc, dst: runOut}}
		s.ABEF, s.CDGH = xmm[1+2*i], xmm[2+2*i]
		s.Spare = []reg.Register{xmm[0], s.CDGH} // free when the digest is written
		p.stages = append(p.stages, s)
	}
	return p
}

// write writes the body of a function for pairs whose course is given.
func (p *pipeline) write(course []step) {
	n := len(p.stages)
	frame := build.AllocLocal(frameHead + n*stageBytes + 16)
	build.LEAQ(frame.Offset(15), runNowhere)
	build.ANDQ(operand.I8(-16), runNowhere)
	for i := range n {
		build.LEAQ(at(runNowhere, frameHead+i*stageBytes), runFrames[i])
	}
	p.path.enter()
	build.Label("turn")
	p.turn(cut(course, n))
	p.path.loop(operand.LabelRef("turn"))
	build.RET()
}

// frameHead bytes of the frame are before the stages': for a digest of nothing,
// and for a prefix (picked.go).
const frameHead = 32 + 16

// inARow is the path through pairs that lie in a row.
type inARow struct{ stages int }

func (w inARow) enter() {
	build.Load(build.Param("dst"), runFirst)
	build.Load(build.Param("src"), runSrc)
	build.Load(build.Param("n"), runSpare)
	build.LEAQ(at(runFirst, -32*(w.stages-1)), runDst)
	build.MOVQ(runSpare, runEnd)
	build.SHLQ(operand.U8(5), runEnd)
	build.ADDQ(runFirst, runEnd)
	build.SHLQ(operand.U8(6), runSpare)
	build.LEAQ(operand.Mem{Base: runSrc, Index: runSpare, Scale: 1, Disp: -64}, runLast)
}

func (inARow) aim() {
	build.MOVQ(runDst, runOut)
	build.CMPQ(runDst, runFirst)
	build.CMOVQCS(runNowhere, runOut)
}

func (inARow) advance() {
	build.ADDQ(operand.U8(64), runSrc)
	build.CMPQ(runSrc, runLast)
	build.CMOVQHI(runLast, runSrc)
	build.ADDQ(operand.U8(32), runDst)
}

func (inARow) loop(label operand.LabelRef) {
	build.CMPQ(runDst, runEnd)
	build.JNE(label)
}

// cut divides a pair's steps into stages of equal length.
func cut(steps []step, stages int) [][]step {
	var parts [][]step
	for i := range stages {
		parts = append(parts, steps[i*len(steps)/stages:(i+1)*len(steps)/stages])
	}
	return parts
}

// turn writes the steps of all stages, each evenly over the turn, and moves the
// pairs on.
func (p *pipeline) turn(parts [][]step) {
	p.path.aim()
	p.free = slices.Clone(xmm[1+2*len(parts):])
	entering := make([]reg.Register, len(parts)) // the newest words of each stage's pair
	for i, part := range parts[:len(parts)-1] {
		if part[len(part)-1].making {
			entering[i+1] = p.take()
			p.stages[i+1].newest = entering[i+1]
		}
	}
	type placed struct {
		at float64 // 0 to 1
		do func()
	}
	var all []placed
	for i, part := range parts {
		for j, st := range part {
			do := func() {
				if p.secondStage == p.stages[i] {
					p.writeSecond()
				}
				st.do(p, p.stages[i])
			}
			all = append(all, placed{(float64(j) + 0.5) / float64(len(part)), do})
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	for _, x := range all {
		x.do()
	}
	p.writeSecond()
	p.moveOn(entering)
}

// fourRounds does four rounds with the operands that first and second load. The
// second SHA256RNDS2 has to wait for the first: one of another pair comes
// between them, unless a step of the same pair comes next.
func (p *pipeline) fourRounds(s *stage, first, second func()) {
	first()
	s.twoRounds(0)
	p.writeSecond()
	p.secondStage = s
	p.second = func() {
		second()
		s.twoRounds(1)
	}
}

func (p *pipeline) writeSecond() {
	if p.second != nil {
		p.second()
	}
	p.second, p.secondStage = nil, nil
}

// moveOn ends a turn: every pair goes to the next stage, and the piece of the
// frame of the one that left is the next one's.
func (p *pipeline) moveOn(entering []reg.Register) {
	p.path.advance()
	last := len(p.stages) - 1
	build.MOVQ(runFrames[last], runSpare)
	newest := map[reg.Register]reg.Register{}
	for i := last; i > 0; i-- {
		to, from := p.stages[i], p.stages[i-1]
		build.VMOVDQA(from.ABEF, to.ABEF)
		build.VMOVDQA(from.CDGH, to.CDGH)
		build.MOVQ(runFrames[i-1], runFrames[i])
		if entering[i] != nil {
			newest[entering[i]] = from.newest
		}
	}
	build.MOVQ(runSpare, runFrames[0])
	moveAll(newest)
}

// take and give manage the registers that are nobody's for long.
func (p *pipeline) take() reg.Register {
	x := p.free[0]
	p.free = p.free[1:]
	return x
}

func (p *pipeline) give(x reg.Register) { p.free = append(p.free, x) }

// moveAll copies registers, to each key from its value, as if all at once.
func moveAll(from map[reg.Register]reg.Register) {
	isSource := func(x reg.Register) bool {
		for to, source := range from {
			if source == x && to != x {
				return true
			}
		}
		return false
	}
	for len(from) > 0 {
		left := len(from)
		for _, to := range xmm {
			if source, wanted := from[to]; wanted && !isSource(to) {
				if source != to {
					build.VMOVDQA(source, to)
				}
				delete(from, to)
			}
		}
		if len(from) < left {
			continue
		}
		for _, to := range xmm { // only cycles are left: X0 breaks one
			if source, wanted := from[to]; wanted {
				build.VMOVDQA(source, xmm[0])
				from[to] = xmm[0]
				break
			}
		}
	}
}
