//go:build linux

// Package accuracy lets devices that are known to be right or wrong go through the
// experiments and compares the verdicts with what they are. Each device is a real
// program, or a small script where no program has the trait; each pair of twins
// differs in one trait.
//
// It owns the devices and the truth about them, and the table of verdicts that comes
// out (the confusion matrix). A false PASS or a false FAIL fails the test; an
// INCONCLUSIVE or NOT TESTED is shown, for it is no lie.
package accuracy
