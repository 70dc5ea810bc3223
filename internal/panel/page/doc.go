// Package page is the local web page of a box: what goes on now, the reports, the
// comparison of candidates, the runs, the start of the next one and the box itself;
// and the same as JSON for programs.
//
// It owns how these look, their words in every language and the stream of changes. It
// must not know who may open it (package door), where runs come from (it asks a
// panel.Source) nor how a verdict is found. Everything is rendered here, on the
// server: a reader without JavaScript misses nothing but the liveness.
package page
