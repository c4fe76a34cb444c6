package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/chainweir/weir/bench/netlab"
)

// cleanLeftovers ends what an earlier run that was killed left behind, and says
// so. That it cannot is no reason not to run.
func (r *run) cleanLeftovers(ctx context.Context) {
	ended, err := netlab.CleanLeftovers(ctx)
	for _, l := range ended {
		r.warn("ended process %d, a %s of lab %q that an earlier run left behind: %s", l.PID, l.Role, l.Name, l.Command)
	}
	if err != nil && !errors.Is(err, netlab.ErrNotSupported) {
		r.warn("what earlier runs left behind was not cleaned: %v", err)
	}
}

// openLab builds the shaped link.
func (r *run) openLab(ctx context.Context) (*netlab.Lab, error) {
	lab, err := netlab.Open(ctx, netlab.Config{
		RateBitsPerSec: r.cfg.LinkBits, Delay: r.cfg.LinkDelay, LossFraction: r.cfg.LinkLoss, Seed: r.cfg.Seed, Name: "run",
	})
	switch {
	case errors.Is(err, netlab.ErrKernelFeature), errors.Is(err, netlab.ErrNotPermitted), errors.Is(err, netlab.ErrNotSupported):
		return nil, fmt.Errorf("%w: %w", ErrConfig, err) // nothing was measured: no folder is left
	case err != nil:
		return nil, err
	}
	if r.cfg.LinkDelay > 0 {
		r.warn("the link adds a delay of %v in each direction", r.cfg.LinkDelay)
	}
	return lab, nil
}

// closeLab tells what the link lost, and takes it away.
func (r *run) closeLab(lab *netlab.Lab) error {
	if r.cfg.LinkLoss > 0 {
		in, err1 := lab.Losses(netlab.NodeSide)
		out, err2 := lab.Losses(netlab.ClientSide)
		if err := errors.Join(err1, err2); err != nil {
			r.warn("the link was told to lose %g %% of the frames; how many it lost is unknown: %v", 100*r.cfg.LinkLoss, err)
		} else {
			r.warn("the link lost %g %% of the frames, as asked: %s towards the node, %s from it (seed %d)",
				100*r.cfg.LinkLoss, lostOf(in), lostOf(out), r.cfg.Seed)
		}
	}
	return lab.Close()
}

func lostOf(l netlab.Losses) string { return fmt.Sprintf("%d of %d", l.LostFrames, l.Frames) }
