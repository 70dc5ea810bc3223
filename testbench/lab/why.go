//go:build linux

package lab

import (
	"fmt"
	"os"
	"strings"
)

// unavailable says what went wrong and, as far as the system's settings tell, what
// to do about it.
func unavailable(what string, err error) error {
	if err != nil {
		what += ": " + err.Error()
	}
	return fmt.Errorf("%w: %s; %s", ErrUnavailable, what, advice(os.ReadFile, os.Geteuid()))
}

// advice looks at the settings that forbid namespaces, the strictest first.
func advice(read func(string) ([]byte, error), uid int) string {
	value := func(name string) string {
		text, err := read("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(text))
	}
	for _, name := range []string{"user.max_user_namespaces", "user.max_net_namespaces"} {
		if value(name) == "0" {
			return fmt.Sprintf("this system forbids namespaces: run 'sudo sysctl -w %s=1000'", name)
		}
	}
	if uid != 0 && value("kernel.unprivileged_userns_clone") == "0" {
		return "this system gives namespaces to root alone: run 'sudo sysctl -w kernel.unprivileged_userns_clone=1', or start the program with sudo"
	}
	if uid != 0 && value("kernel.apparmor_restrict_unprivileged_userns") == "1" {
		return "AppArmor restricts user namespaces here (Ubuntu 23.10 and later): start the program with sudo, " +
			"or give it an AppArmor profile with the rule 'userns,', " +
			"or run 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'"
	}
	if uid != 0 {
		return "start the program with sudo, or outside of the container that forbids it"
	}
	return "a container needs the rights to make namespaces (as with 'docker run --privileged')"
}
