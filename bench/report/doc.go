// Package report shows a record to a person: as the one screen that ends a run.
// It computes nothing that is not in the record.
package report
