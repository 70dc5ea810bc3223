// Package live runs real programs as devices in the lab, behind the real gateway,
// and holds the reports against what a supplier and a buyer would both accept. It
// holds tests only. Every case is graded twice, live and from its evidence file,
// and both reports must be the same bytes.
package live
