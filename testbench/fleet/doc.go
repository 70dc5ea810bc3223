// Package fleet has the virtual devices of the demonstration: four products that a
// buyer could meet, each with the habits of its kind, good ones and bad ones. They are
// written in Go alone, so that they run on any Linux machine that has this program and
// nothing else.
//
// It owns what each product does from the moment it is switched on: how it joins a
// network (DHCPv4, router advertisements), how it looks names up, which servers of the
// vendor it calls and how, and what it offers on the local network. What is true of a
// device is written down in its traits, and nothing else makes a difference between
// two of them.
//
// It must not know rules, grades, plans or the gateway's experiments: a device does the
// same whether somebody watches it or not, and what it is graded is found out by the
// real pipeline. Two things are faster than in a product that is sold, so that a
// demonstration is over in a minute: data is sent every second or two, and a connection
// that failed is tried again at once.
package fleet
