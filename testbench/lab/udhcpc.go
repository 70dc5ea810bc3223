//go:build linux

package lab

// UDHCPCScriptFile is where every site has a script for busybox udhcpc (option -s)
// that sets address, routes and /etc/resolv.conf. Where the system has no default
// script of its own, it is that as well.
const UDHCPCScriptFile = "/etc/assay/udhcpc.script"

// udhcpcDefault is where Debian's busybox looks.
const udhcpcDefault = "/etc/udhcpc/default.script"

// udhcpcScript follows what udhcpc tells its script: the event is $1; interface,
// ip, mask (prefix length), router, dns, domain and mtu are variables.
const udhcpcScript = `#!/bin/sh
# Called by udhcpc for each change of the lease.
set -u
dev="${interface:?}"
case "$1" in
deconfig)
	ip -4 addr flush dev "$dev"
	ip link set "$dev" up
	;;
bound|renew)
	ip -4 addr replace "${ip:?}/${mask:-24}" dev "$dev"
	[ -z "${mtu:-}" ] || ip link set "$dev" mtu "$mtu"
	if [ -n "${router:-}" ]; then
		ip -4 route flush default dev "$dev"
		metric=0
		for r in $router; do
			ip -4 route add default via "$r" dev "$dev" metric "$metric"
			metric=$((metric + 1))
		done
	fi
	{
		[ -z "${search:-${domain:-}}" ] || echo "search ${search:-${domain:-}}"
		for server in ${dns:-}; do
			echo "nameserver $server"
		done
	} > /etc/resolv.conf.new && mv /etc/resolv.conf.new /etc/resolv.conf
	;;
leasefail|nak)
	;;
esac
`
