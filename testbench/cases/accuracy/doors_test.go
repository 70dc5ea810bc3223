//go:build linux

package accuracy

// doors are devices with services of their own; what they ask the internet is always
// the same.
var doors = []device{
	{name: "no door", plan: "doors", programs: []string{"curl"}, script: stays, right: []string{"OS-01", "OS-02", "OS-03", "V6-11"}},
	{name: "vsftpd", plan: "doors", programs: []string{"curl", "vsftpd"}, script: ftp + stays, wrong: []string{"OS-02"}, right: []string{"OS-03"}},
	{name: "a page in clear with a password", plan: "doors", programs: []string{"curl", "busybox"}, script: basic + stays,
		wrong: []string{"TS-01"}, right: []string{"CR-02", "OS-02", "OS-03", "V6-11"}},
	{name: "a page over TLS with a password", plan: "doors", programs: []string{"curl", "openssl", "python3"}, script: securePage + stays,
		right: []string{"TS-01", "CR-02", "OS-02", "OS-03", "V6-11"}},
	{name: "a page over TLS, on IPv6 alone", plan: "doors", programs: []string{"curl", "openssl", "python3"}, script: only6 + securePage + stays,
		right: []string{"TS-01", "CR-02", "OS-02", "OS-03"}, wrong: []string{"V6-11"}},
	{name: "mosquitto for everybody", plan: "doors", programs: []string{"curl", "mosquitto"}, script: broker("true") + stays, wrong: []string{"CR-02"}, right: []string{"OS-02", "OS-03"}},
	{name: "mosquitto with passwords", plan: "doors", programs: []string{"curl", "mosquitto"}, script: broker("false") + stays, right: []string{"CR-02", "OS-02", "OS-03"}},
	{name: "a debugging service", plan: "doors", programs: []string{"curl", "python3"}, script: debugger + stays, wrong: []string{"OS-03"}, right: []string{"OS-02"}},
}

// stays visits a server every second, as long as it may.
const stays = `while :; do curl -4 -s -m 5 https://www.cam.example/ >/dev/null; sleep 1; done`

// basic is a page of busybox at port 80 that asks for a password.
const basic = `mkdir -p /run/www; echo '<html>settings</html>' >/run/www/index.html; echo '/:admin:h7Kq-22-wZ' >/run/httpd.conf
busybox httpd -p 80 -h /run/www -c /run/httpd.conf
`

// ftp is vsftpd with the users of the machine.
const ftp = `mkdir -p /run/empty; printf 'listen_ipv6=YES\nlisten=NO\nbackground=NO\nanonymous_enable=NO\nlocal_enable=YES\nrun_as_launching_user=YES\nsecure_chroot_dir=/run/empty\n' >/run/vsftpd.conf
vsftpd /run/vsftpd.conf >/dev/null 2>&1 &
`

// only6 lets a socket for "::" take IPv6 alone.
const only6 = `echo 1 >/proc/sys/net/ipv6/bindv6only
`

// debugger answers as the Android Debug Bridge does: a CNXN message of version 0x01000000
// with a banner.
const debugger = `cat >/run/adb.py <<'PY'
import socket, struct
s = socket.create_server(("::", 5555), family=socket.AF_INET6, dualstack_ipv6=True)
banner = b"device::ro.product.name=cam;\0"
message = struct.pack("<6I", 0x4e584e43, 0x01000000, 4096, len(banner), sum(banner), 0x4e584e43 ^ 0xffffffff) + banner
while True:
    try:
        c, _ = s.accept()
        c.settimeout(3)
        if c.recv(24)[:4] == b"CNXN":
            c.sendall(message)
            c.recv(100)
        c.close()
    except OSError:
        pass
PY
python3 /run/adb.py &
`

// broker is mosquitto in clear.
func broker(anonymous string) string {
	return `printf 'listener 1883\nallow_anonymous ` + anonymous + `\nuser root\n' >/run/m.conf; [ ` + anonymous + ` = true ] || { mosquitto_passwd -b -c /run/m.pw camera h7Kq-22-wZ; echo 'password_file /run/m.pw' >>/run/m.conf; }
mosquitto -c /run/m.conf >/dev/null 2>&1 &
`
}

// securePage is a page of python's http.server at port 443 that asks for a password.
const securePage = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /run/k.pem -out /run/c.pem -days 30 -subj /CN=camera >/dev/null 2>&1
cat >/run/page.py <<'PY'
import http.server, os, socket, ssl
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="camera"')
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *a): pass
class S(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(open("/proc/sys/net/ipv6/bindv6only").read()))
        super(http.server.HTTPServer, self).server_bind()
        self.server_name, self.server_port = "camera", 443
s = S(("::", 443), H)
c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
c.load_cert_chain("/run/c.pem", "/run/k.pem")
s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
s.serve_forever()
PY
python3 /run/page.py &
`
