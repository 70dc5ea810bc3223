// Package resolved gives a device of the lab systemd-resolved as its own resolver, in
// each of its three ways of treating DNSSEC.
//
// It owns where the program is found and the shell functions that start and end it in
// mounts of its own. The program is unpacked by .ci/resolved and never installed,
// because its package takes over /etc/resolv.conf of the machine. The package knows
// nothing of rules, verdicts or of the gateway.
package resolved
