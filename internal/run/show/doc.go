// Package show tells people what goes on: it turns what the runs, the plan and the
// store say into the words of the panel, and hands orders of people on.
//
// It owns what is told and how much of it is remembered, all of it bounded: a device
// can make as many names as it likes. It must not know how anything is displayed, nor
// how an order is carried out.
package show
