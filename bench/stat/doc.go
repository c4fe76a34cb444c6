// Package stat holds the small, pure statistics that measuring code shares:
// order statistics with distribution-free intervals, exact rank tests and the
// shifts they do not reject, bootstrap intervals, change points and steady
// states, the slope of a series with its standard error. Nothing here assumes
// that samples are normal, reads a clock or keeps state: the same input gives
// the same output, where chance is used its seed is a hash of the data.
package stat
