package health

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Port is a network link of the machine as far as a router needs to know it.
type Port struct {
	Name     string
	Ethernet bool // a wired port, on board or on USB
	Wireless bool
	Carrier  bool // a cable is in and the other end is up
	Default  bool // the default route leaves here
}

// Ports asks whether there are two wired ports: one for the device under test and
// one for the network. lan and wan are the configured names, "" to be found.
func Ports(list func() ([]Port, error), lan, wan string) Check {
	return Check{"ports", "two network ports", func(context.Context) Finding {
		ports, err := list()
		if err != nil {
			return Finding{Bad, fmt.Sprintf("The network ports cannot be listed: %v.", err), "Run this as root on the box itself."}
		}
		for _, want := range []string{lan, wan} {
			if want != "" && !slices.ContainsFunc(ports, func(p Port) bool { return p.Name == want }) {
				return Finding{Bad, fmt.Sprintf("There is no port %s; there are %s.", want, names(ports)),
					"Correct the port's name in the configuration, or plug the adapter in."}
			}
		}
		return portsFound(ports, lan, wan)
	}}
}

func portsFound(ports []Port, lan, wan string) Finding {
	wired := slices.DeleteFunc(slices.Clone(ports), func(p Port) bool { return !p.Ethernet })
	if lan == "" && len(wired) < 2 {
		return Finding{Bad, fmt.Sprintf("A gateway needs two wired ports, and this machine has %d: %s.", len(wired), names(ports)),
			"Plug a USB Ethernet adapter into the box for the device under test."}
	}
	says := fmt.Sprintf("Ports: %s.", names(ports))
	for _, p := range ports {
		if p.Name == wan && wan != "" && !p.Carrier {
			return Finding{Remark, says + fmt.Sprintf(" The port %s has no link.", wan), "Plug the network's cable into it."}
		}
	}
	return Finding{Good, says, ""}
}

// names lists ports with what matters of them.
func names(ports []Port) string {
	var out []string
	for _, p := range ports {
		kind := "other"
		switch {
		case p.Ethernet:
			kind = "wired"
		case p.Wireless:
			kind = "wireless"
		}
		if p.Carrier {
			kind += ", link up"
		} else {
			kind += ", no link"
		}
		if p.Default {
			kind += ", way to the internet"
		}
		out = append(out, fmt.Sprintf("%s (%s)", p.Name, kind))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// Choose settles which port is for the device and which for the network, where
// the settings leave it open: the network's is the one with the default route, the
// device's is the other wired one.
func Choose(ports []Port, lan, wan string) (lanPort, wanPort string, err error) {
	wired := slices.DeleteFunc(slices.Clone(ports), func(p Port) bool { return !p.Ethernet || p.Name == lan || p.Name == wan })
	if wan == "" {
		i := slices.IndexFunc(wired, func(p Port) bool { return p.Default })
		if i < 0 {
			return "", "", fmt.Errorf("cannot tell which port leads to the network, for no default route leaves by a wired one: name it with --wan; there are %s", names(ports))
		}
		wan = wired[i].Name
		wired = slices.Delete(wired, i, i+1)
	}
	if lan == "" {
		if len(wired) != 1 {
			return "", "", fmt.Errorf("cannot tell which port is for the device, for %d wired ones are left: name it with --lan; there are %s", len(wired), names(ports))
		}
		lan = wired[0].Name
	}
	return lan, wan, nil
}
