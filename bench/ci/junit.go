package ci

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"time"
)

type junitSuite struct {
	XMLName   xml.Name    `xml:"testsuite"`
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string       `xml:"name,attr"`
	Class   string       `xml:"classname,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitDetail `xml:"failure,omitempty"`
	Error   *junitDetail `xml:"error,omitempty"`
	Out     string       `xml:"system-out,omitempty"`
}

type junitDetail struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// JUnit returns the report as JUnit XML: a case for every metric that decides.
// What is not decided is an error: it must not look like a pass. So is a failure
// that a noisy report refuses to gate on.
func (r *Report) JUnit() ([]byte, error) {
	suite := junitSuite{
		Name: "weir ci", Time: fmt.Sprintf("%.3f", r.DurationSec), Timestamp: r.StartedAt.UTC().Format("2006-01-02T15:04:05"),
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if !row.Decides {
			continue
		}
		text := fmt.Sprintf("base %s, head %s, change %s, 95%% interval %s, %s\n%s", row.show(row.Base), row.show(row.Head),
			percent(row.Ratio), interval(row.CI95), row.Verdict, strings.Join(row.notes(), "\n"))
		c := junitCase{Name: row.Name, Class: "weir.ci", Time: "0"}
		if row.Gate != nil {
			c.Name = *row.Gate
		}
		detail := &junitDetail{Message: fmt.Sprintf("%s: %s (%s)", row.Name, row.Verdict, percent(row.Ratio)), Type: string(row.Outcome), Text: text}
		switch {
		case row.Outcome == Pass:
			c.Out = text
		case row.Outcome == Fail && !row.Refused:
			c.Failure = detail
			suite.Failures++
		default:
			c.Error = detail
			suite.Errors++
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite.encode()
}

// NoResultJUnit is the JUnit XML of a comparison that ended without rows, so that
// a reader of the file finds what happened, and not the file of an earlier one:
// a failure when head is wrong, an error for every other reason.
func NoResultJUnit(reason error, started time.Time) ([]byte, error) {
	suite := junitSuite{
		Name: "weir ci", Time: fmt.Sprintf("%.3f", time.Since(started).Seconds()), Timestamp: started.UTC().Format("2006-01-02T15:04:05"),
	}
	c := junitCase{Name: "comparison", Class: "weir.ci", Time: "0"}
	detail := &junitDetail{Message: reason.Error(), Type: "no result", Text: reason.Error()}
	if errors.Is(reason, ErrHead) {
		detail.Type = "wrong"
		c.Failure, suite.Failures = detail, 1
	} else {
		c.Error, suite.Errors = detail, 1
	}
	suite.Cases = []junitCase{c}
	return suite.encode()
}

// NoResultMarkdown is the comment for a pull request of such a comparison.
func NoResultMarkdown(reason error) string {
	mark := "❔"
	if errors.Is(reason, ErrHead) {
		mark = "❌"
	}
	return fmt.Sprintf("### weir ci: %s %s\n", mark, cell(reason.Error()))
}

// encode counts the cases and writes the document.
func (suite junitSuite) encode() ([]byte, error) {
	suite.Tests = len(suite.Cases)
	b, err := xml.MarshalIndent(struct {
		XMLName xml.Name   `xml:"testsuites"`
		Suite   junitSuite `xml:"testsuite"`
	}{Suite: suite}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("JUnit: %w", err)
	}
	return append([]byte(xml.Header), append(b, '\n')...), nil
}
