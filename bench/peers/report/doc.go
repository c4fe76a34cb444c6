// Package report turns measured rows into what a reader gets: a table, one
// JSON object, and Go benchmark text for benchstat. It judges nothing that is
// not in package require and knows no floor that is not in package floor.
package report
