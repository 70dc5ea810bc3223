// Package login tries one user name and password at one service of a device, and
// says whether the device let it in and what showed that.
//
// It owns how each protocol asks for a password, answers and refuses. It must not
// know which passwords are tried, how many or how fast, nor whether trying is
// allowed: each call makes one attempt over connections that the caller's dial
// function allows, changes nothing on the device, and logs out where the protocol
// knows how.
package login
