// Package stat holds the small, pure statistics that measuring code shares:
// order statistics with a distribution-free interval, and the slope of a
// series with its standard error. Nothing here assumes that samples are
// normal, reads a clock or keeps state: the same input gives the same output.
package stat
