// Package lab makes a small world of network namespaces without root: devices, a
// switch, a gateway and an internet, with cables that can be pulled, and real
// programs inside.
//
//	[device 0] eth0 ──┐
//	[device 1] eth0 ──┤ switch: lan ── lan0 [gateway] wan0 ── switch: wan ── net0 [internet]
//	...               ┘
//
// A process that wants a lab starts itself again in new user, mount, pid, UTS and
// network namespaces (Main for tests, Reexec for programs). There it is root over
// nothing but these namespaces; everything in them ends with it, however it ends.
// Each Site is one more network namespace. Nothing leads out of them.
//
// How things are left by New:
//
//   - eth0 of each device is down and bare: no address, so that no packet crosses
//     the cable before somebody listens. Site.Up or Site.Assign bring it up; DHCP
//     clients do it themselves.
//   - lan0 of the gateway is down and bare: bringing it up is the gateway's work.
//   - wan0 of the gateway and net0 of the internet are up and have the uplink's
//     addresses (UplinkV4, UplinkV6, InternetV4, InternetV6), the gateway with
//     default routes, unless Options.BareUplink says otherwise.
//   - The switch is silent: no address, no spanning tree, no snooping, no IPv6 of
//     its own. It passes every frame, reserved multicast too where the kernel lets it.
//   - Cables carry what a real cable would: segmentation and checksums are done by
//     the sender unless Options.Offload says otherwise.
//   - The internet forwards nothing but answers "unreachable" for what it does not
//     own, so that a wrong destination fails at once.
//
// The folder /dev/shm is the lab's own inside: what was there before cannot be seen.
//
// The package knows nothing of evidence, grades or of the gateway under test.
package lab
