// Package store keeps runs on disk, a folder for each:
//
//	<folder>/<id>/run.yaml         who, what, when, and how it ended
//	<folder>/<id>/evidence.pcapng  the evidence log
//	<folder>/<id>/report.json      the report
//	<folder>/<id>/report.html      the same as a page
//
// The folders are the truth: nothing about a run is kept anywhere else, and what
// can be rebuilt from them is not kept. Small files are replaced as a whole, so
// that a power cut leaves the old one or the new one. It owns names, retention and
// what a crash left behind; it must not know how a report comes about.
package store
