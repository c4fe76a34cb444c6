//go:build !unix

package guard

// New fails with ErrUnsupported.
func New(_, _ int) (*Pages, error) { return nil, ErrUnsupported }

// Free has nothing to give back, as no Pages exist.
func (p *Pages) Free() error { return nil }
