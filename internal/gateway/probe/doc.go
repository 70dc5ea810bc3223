// Package probe asks the device itself: which doors it has open, what speaks behind
// them, whether they open without a password, which TLS they speak, and, where its
// owner consented in writing, whether a well-known factory password opens them.
//
// It owns the rules of caution, and nobody can ask anything past them: only the
// addresses of the device on the LAN port are ever dialled, with a time to live of one
// and no route, so that nothing can get beyond the cable; never when a second device is
// on the port; at most fifty ports a second, one conversation at a time after that, one
// password in ten seconds and fifteen for each service, an end at the first success,
// refusal to go on, slowing down or trouble. Nothing is changed on the device.
//
// It must not know plans, runs, rules or reports: what was asked and answered is in
// notes and packets, and what it means is for others to say.
package probe
