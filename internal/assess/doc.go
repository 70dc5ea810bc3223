// Package assess is the door to the pure part: evidence goes in, a report comes
// out. It joins decode, fact, rule, grade and report, and chooses the device
// among the hosts of a capture.
//
// Nothing below it touches a file, a network, a clock or a log, and neither does
// it: "now" is the time of the last entry. One goroutine owns an Assessor. It
// must not know where the evidence comes from or where the report goes.
package assess
