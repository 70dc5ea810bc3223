// Package twins grades virtual devices that differ in one trait. Each is laid frame by
// frame on a cable (testbench/traffic), with real TLS bytes, for a quarter of an hour of
// its own time, so that checks which need minutes are decided within milliseconds. It
// holds tests only.
//
// For each trait there is a right and a wrong twin, a life in which the trait does not
// show (absent), and the logs of right and wrong with frames lost. A trait may change
// the verdicts of its own check; which others follow, and why, is written down with it.
// The package must not know how a verdict is found.
package twins
