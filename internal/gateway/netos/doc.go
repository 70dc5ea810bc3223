// Package netos is every touch the gateway makes on the kernel's network: links,
// addresses, routes, sysctls and nftables, behind the one interface Kernel.
//
// There are two kernels: New opens the real one of a network namespace, NewFake
// keeps everything in memory and prints itself as text. Journal wraps either of
// them and writes the former state to disc before each change, so that Restore
// can put a host back as it was after an exit, a crash or a kill -9.
//
// It must not know what a gateway is: which addresses, rules and limits are
// wanted is decided in packages lan and uplink.
package netos
