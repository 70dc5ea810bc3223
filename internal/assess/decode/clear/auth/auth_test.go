package auth

import (
	"strings"
	"testing"

	"assay/internal/assess/event"
)

func told(c Credential, ok bool) string {
	if !ok {
		return ""
	}
	return c.Scheme.String() + " " + c.User + "/" + c.Secret.Reveal()
}

func TestAuthorization(t *testing.T) {
	for value, want := range map[string]string{
		"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==": "plain Aladdin/open sesame", // RFC 7617 section 2
		"basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ":  "plain Aladdin/open sesame",
		"Basic Og==":                         "plain /",
		"Basic !!!":                          "",
		"Basic QWxhZGRpbg==":                 "",
		`Digest realm="a\"b, username=x", username="Mufasa", qop=ok`: "digest Mufasa/",
		"Bearer mF_9.B5f-4.1JqM":                                     "token /mF_9.B5f-4.1JqM",
		"Bearer short":                                               "",
		"NTLM TlRMTVNTUAABAAAA":                                      "challenge /",
		"Negotiate":                                                  "",
		"AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=abc":          "",
		"SharedKeyLite account:signature0123":                        "",
		"0123456789abcdef0123456789abcdef":                           "token /0123456789abcdef0123456789abcdef",
		"":                                                           "",
	} {
		if got := told(Authorization(value)); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func TestSchemeNeverEchoesASecret(t *testing.T) {
	for value, want := range map[string]string{
		"Basic x": "basic", "hunter2": "other", "hunter2 abc": "other", "": "", "DIGEST a=b": "digest", "bearer": "other",
	} {
		if got := Scheme(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func TestBody(t *testing.T) {
	form := "application/x-www-form-urlencoded"
	for _, c := range []struct{ ctype, body, want string }{
		{form, "user=bob&password=pw+1%21", "plain bob/pw 1!"},
		{form, "UserName=bob&PassWord=x", "plain bob/x"},
		{form, "admin[user]=bob&admin[passwd]=x", "plain bob/x"},
		{form, "wifi.psk=correcthorse&ssid=Home", "plain /correcthorse"},
		{form, "new_password2=abc", "plain /abc"},
		{form, "sys_pwd=1", ""},
		{form, "pwd=1", "plain /1"},
		{form, "password=", ""},
		{form, "show_password=yes&forgot_password=maybe&min_password=8", ""},
		{form, "compass=north&bypass=1&passenger=2&pskcipher=aes&wpa_mode=wpa2", ""},
		{form, "token=0123456789&password=pw", "plain /pw"},
		{form, "api-key=0123456789", "token /0123456789"},
		{form, "password=5f4dcc3b5aa765d61d8327deb882cf99", "digest /"},
		{form, "password=" + strings.Repeat("QUJD", 43), "challenge /"},
		{form, `{"password":"pw"}`, "plain /pw"},
		{"application/json", `{"user":"a","password":1234}`, "plain a/1234"},
		{"application/json", `{"x":[{"login":{"passwd":"p\u0061"}},{"user":"late"}]}`, "plain late/pa"},
		{"application/json", `{"user":"a","password":"pw","rest":"` + strings.Repeat("x", 20000), "plain a/pw"},
		{"application/json", `["password","pw"]`, ""},
		{"application/json", `{"password":{"old":"x"}}`, ""},
		{"application/json", `]]]}}}`, ""},
		{"application/json", strings.Repeat("[", 5000), ""},
		{"text/plain", "a=1\npassword=x", ""},
		{"multipart/form-data; boundary=\"b\"", "--b\r\ncontent-disposition: form-data; name=password\r\n\r\npw\r\n--b--", "plain /pw"},
		{"multipart/form-data", "--b\r\n", ""},
		{"text/xml", "<?xml version='1'?><Login><Action>x</Action><Username>Admin</Username><LoginPassword>a&amp;b</LoginPassword></Login>", "plain Admin/a&b"},
		{"text/xml", "<Login><Username>Admin</Username><LoginPassword></LoginPassword></Login>", ""},
		{"text/xml", "<Login><LoginPassword>0123456789ABCDEF0123456789ABCDEF</LoginPassword></Login>", "digest /"},
		{"application/soap+xml", `<w:Username>admin</w:Username><w:Password Type="http://x#PasswordDigest">fp4V2Yw=</w:Password>`, "digest admin/"},
		{"application/soap+xml", `<w:Username>admin</w:Username><w:Password Type="http://x#PasswordText">open</w:Password>`, "plain admin/open"},
		{"text/xml", "<AdminPassword>AdminPassword</AdminPassword>", ""},
		{"text/xml", "<password><old>x</old></password><pwd/>", ""},
		{"text/xml", "<user>a</user><password>cut in the mid", ""},
	} {
		if got := told(Body(c.ctype, []byte(c.body))); got != c.want {
			t.Errorf("%s %.60q: %q, want %q", c.ctype, c.body, got, c.want)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct{ in, clean, want string }{
		{"/a?b=c", "/a?b=c", ""},
		{"/a?user=x&pwd=y;z#f", "/a?user=x&pwd=[cut]#f", "plain x/y;z"},
		{"/a?%70wd=y", "/a?%70wd=[cut]", "plain /y"},
		{"/a?pwd=x&password=y", "/a?pwd=[cut]&password=[cut]", "plain /x"},
		{"rtsp://u:p@h/s?x=1", "rtsp://h/s?x=1", "plain u/p"},
		{"rtsp://u:p@ss@h/s", "rtsp://h/s", "plain u/p@ss"},
		{"http://u@h/", "http://h/", ""},
		{"http://h/?u=http://a:b@c/", "http://h/?u=http://a:b@c/", ""},
		{"*", "*", ""},
	} {
		clean, cred, ok := Target(c.in)
		if got := told(cred, ok); got != c.want || clean != c.clean {
			t.Errorf("%q: %q %q, want %q %q", c.in, clean, got, c.clean, c.want)
		}
	}
}

func TestParam(t *testing.T) {
	list := `realm="a, \"b\"=c", nonce=xyz , stale=TRUE, last`
	for name, want := range map[string]string{"realm": `a, \"b\"=c`, "NONCE": "xyz", "stale": "TRUE", "last": "", "b": ""} {
		if got := Param(list, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestSecretsAreBounded(t *testing.T) {
	c, ok := Body("application/json", []byte(`{"password":"`+strings.Repeat("long pass ", 100)+`"}`))
	if !ok || c.Secret.Len() != secretLimit {
		t.Errorf("%v, %d bytes", ok, c.Secret.Len())
	}
}

func FuzzBody(f *testing.F) {
	f.Add("application/json", `{"a":{"password":"x"}}`)
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"pw\"\r\n\r\nv\r\n--x--")
	f.Add("text/xml", "<a:pwd x='y'>z</a:pwd>")
	f.Add("application/x-www-form-urlencoded", "a=b&pwd=%41%")
	f.Fuzz(func(t *testing.T, ctype, body string) {
		if c, ok := Body(ctype, []byte(body)); ok && (c.Secret.Len() > secretLimit || len(c.User) > nameLimit) {
			t.Errorf("unbounded: %+v", c)
		}
	})
}

// FuzzTarget checks that a credential that was found is gone from the target.
func FuzzTarget(f *testing.F) {
	f.Add("/a?user=x&pwd=verysecret&b=c#d")
	f.Add("http://u:verysecret@h/p?q=1")
	f.Add("/?a=b?pwd=verysecret")
	f.Fuzz(func(t *testing.T, target string) {
		clean, c, ok := Target(target)
		if again, c2, still := Target(clean); still && c2.Secret.Reveal() != cutMark {
			t.Errorf("%q leaves a credential in %q (then %q)", target, clean, again)
		}
		if ok && c.Scheme == event.LoginPlain && c.Secret.Len() == 0 {
			t.Errorf("%q: an empty secret", target)
		}
	})
}
