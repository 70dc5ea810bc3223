// Package report owns the finished result about one device: plain data, ready to
// be kept, compared and shown, and its renderings as text, JSON and one
// self-contained HTML page.
//
// It must not know how a verdict was found (package rule) nor how a packet is
// read (package decode), and it decides nothing: every word of judgement in it
// was said by a rule or a grade. The same input gives the same bytes. Strings
// that came off the wire have passed event.Clean exactly once before they stand
// in a Report; the renderings escape for their own medium and clean no more.
package report
