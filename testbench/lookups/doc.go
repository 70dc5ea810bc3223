// Package lookups proves the look-ups end to end, as tests alone: for devices that
// differ in the cloud they use, the questions go to the lab's internet and the answers
// through the facts to the verdicts of VE-01 to VE-06 and VE-08. It must not know how
// a question is asked nor how an answer is judged.
package lookups
