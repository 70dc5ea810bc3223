//go:build linux

package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// askPlan asks the device itself, and nothing else.
const askPlan = `id: ask
title: The device itself is asked
steps:
  - {network: N2, experiment: observe, at_most: 20s, fresh: step, stop: settled, window: 3s}
  - {network: N2, experiment: probe, at_most: 3m, ports: common}
`

// working is what a device does beside its service.
const working = `
echo SCRIPT-DONE
while :; do curl -4 -s -m 5 https://www.cam.example/ >/dev/null || true; sleep 5; done
`

// lighttpdSite is a site of lighttpd with Basic authentication, which knows one account.
const lighttpdSite = `lease; d=$(mktemp -d); echo "<h1>Camera</h1>" >$d/index.html; echo "$ACCOUNT" >$d/users
cat >$d/conf <<CONF
server.modules = ("mod_auth", "mod_authn_file")
server.document-root = "$d"
server.port = 80
index-file.names = ("index.html")
auth.backend = "plain"
auth.backend.plain.userfile = "$d/users"
auth.require = ("/" => ("method" => "basic", "realm" => "cam", "require" => "valid-user"))
CONF
lighttpd -f $d/conf` + working

// formSite asks by a form; LIMIT is how many wrong passwords it takes.
const formSite = `lease; cat >/run/site.py <<'CODE'
import http.server, os, urllib.parse
limit, wrong = int(os.environ["LIMIT"]), 0
form = b'<form action="/in" method="post"><input name="user"><input type="password" name="word"></form>'
class Site(http.server.BaseHTTPRequestHandler):
    def say(self, code, text, *headers):
        self.send_response(code)
        for name, value in headers: self.send_header(name, value)
        self.send_header("Content-Length", str(len(text))); self.end_headers(); self.wfile.write(text)
    def do_GET(self):
        self.say(200, b"<h1>Camera</h1>" if "in=7f3a" in self.headers.get("Cookie", "") else form)
    def do_POST(self):
        global wrong
        given = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if wrong >= limit: return self.say(429, b"Too many attempts")
        if [":".join(x[0] for x in (given["user"], given["word"]))] == [os.environ["ACCOUNT"]]:
            return self.say(303, b"", ("Set-Cookie", "in=7f3a; Path=/"), ("Location", "/"))
        wrong += 1
        self.say(200, b"<p>Wrong password</p>" + form)
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("", 80), Site).serve_forever()
CODE
python3 /run/site.py & for i in $(seq 50); do curl -s http://127.0.0.1/ >/dev/null && break; sleep 0.1; done` + working

// loginCases are devices with a password: the same one twice, of the factory and of
// its own; with an end to guessing and without; and one that nobody consented for.
func loginCases() []liveCase {
	return []liveCase{
		{name: "factory-password-basic", programs: []string{"busybox", "curl", "lighttpd"}, flags: []string{"--logins"},
			script: "ACCOUNT=admin:admin\n" + lighttpdSite, want: map[string]string{"CR-01": "FAIL"}},
		{name: "own-password-basic", programs: []string{"busybox", "curl", "lighttpd"}, flags: []string{"--logins"},
			script: "ACCOUNT=admin:h7Kq-22-wZ\n" + lighttpdSite, want: map[string]string{"CR-01": "PARTIAL|INCONCLUSIVE"}},
		{name: "factory-password-without-consent", programs: []string{"busybox", "curl", "lighttpd"},
			script: "ACCOUNT=admin:admin\n" + lighttpdSite, want: map[string]string{"CR-01": "NOT TESTED", "CR-04": "NOT TESTED"}},
		{name: "factory-password-form", programs: []string{"busybox", "curl", "python3"}, flags: []string{"--logins"},
			script: "export ACCOUNT=admin:admin LIMIT=99\n" + formSite, want: map[string]string{"CR-01": "FAIL"}},
		{name: "guessing-without-end", programs: []string{"busybox", "curl", "python3"}, flags: []string{"--logins"},
			script: "export ACCOUNT=admin:h7Kq-22-wZ LIMIT=99\n" + formSite, want: map[string]string{"CR-01": "PARTIAL|INCONCLUSIVE", "CR-04": "FAIL"}},
		{name: "guessing-comes-to-an-end", programs: []string{"busybox", "curl", "python3"}, flags: []string{"--logins"},
			script: "export ACCOUNT=admin:h7Kq-22-wZ LIMIT=4\n" + formSite, want: map[string]string{"CR-01": "INCONCLUSIVE", "CR-04": "PASS|INCONCLUSIVE"}},
	}
}

func TestLogins(t *testing.T) {
	for _, c := range loginCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			graded(t, askPlan, c)
		})
	}
}

// graded carries a plan out with a device and checks what came out, live and again from
// the evidence.
func graded(t *testing.T, steps string, c liveCase) {
	t.Helper()
	plan := filepath.Join(t.TempDir(), steps[len("id: "):strings.Index(steps, "\n")]+".yaml")
	if err := os.WriteFile(plan, []byte(steps), 0o600); err != nil {
		t.Fatal(err)
	}
	c.flags = append([]string{"--plan", plan, "--pace", "fast"}, c.flags...)
	folder := run(t, c)
	live, err := os.ReadFile(filepath.Join(folder, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	checkVerdicts(t, live, c.want)
	checkParity(t, folder, live)
}
