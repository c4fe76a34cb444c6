// Package report shows a record to a person: as the one screen that ends a run,
// and as one HTML file whose figures can be taken out as SVG and PNG.
// It computes nothing that is not in the record.
package report
