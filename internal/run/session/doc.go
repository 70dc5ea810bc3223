// Package session is one evaluation from plug-in to report: it owns the
// assessment of one device, follows the states of the run and makes the
// provisional reports on the way and the final one at its end.
//
// Everything goes through one goroutine, that of the owner of the run's log: what
// the assessment takes is what the log holds, in the same order, so that the log
// graded again gives the same report. It must not know how frames are captured,
// where runs are kept or how reports are shown.
package session
