// Package importers reads what other load generators and benchmark harnesses
// wrote, so that the same questions can be asked of their results: k6 (--out
// json and both forms of its summary), vegeta (report -type=json and encode
// --to=json), Hyperledger Caliper (the HTML report and the table in its log),
// CometBFT's loadtime (the text report, alone or in columns, and its CSV) and
// the text of the HotStuff and Narwhal harnesses.
//
// Every tool means something else by throughput and latency. An imported Run
// keeps what the tool printed beside what follows from it by weir's definitions
// (throughput is committed and valid transactions per second); what cannot be
// known is nil, with a note that says why. Lint names what is wrong with a run
// by its own figures.
package importers
