// Package ntp owns the time on the LAN: it answers client requests of NTP
// versions 1 to 4 (RFC 5905) from the box's own clock, and says so when that
// clock is not known to be right.
//
// It knows no other mode (no control, no private, no symmetric messages), so
// there is nothing to amplify: an answer is never longer than the question. It
// must not know where the box has its time from, nor judge a device.
package ntp
