package main

import (
	"encoding/json"
	"strings"
	"testing"

	"assay/internal/assess/report"
)

// The capture holds six streams of curl to one address with openssl s_server behind
// it: two with TLS 1.2 and the self-signed certificate below that curl -k accepted, two
// in which curl refused it, one with TLS 1.3 and the same certificate that curl -k
// accepted, and one with TLS 1.2 and a certificate that curl was given to trust.
const interceptedFile = "testdata/intercepted.pcap"

func graded(t *testing.T, args ...string) report.Report {
	t.Helper()
	var out, errs strings.Builder
	code := run(append(append([]string{"grade", "--format", "json"}, args...), interceptedFile), console{in: strings.NewReader(""), out: &out, err: &errs})
	var r report.Report
	if code > exitUnproven {
		t.Fatalf("code %d: %s", code, errs.String())
	}
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// said is the verdict of a check with its sentence.
func said(r report.Report, check string) string {
	for _, f := range r.Findings {
		if f.Check == check {
			return f.Verdict + ": " + f.Why
		}
	}
	for _, f := range r.NotTested {
		if f.Check == check {
			return f.Verdict + ": " + f.Why
		}
	}
	return ""
}

const (
	forgedLeaf  = "CA:BA:6E:11:12:4F:13:8A:3C:56:E8:BA:AB:66:CC:34:3B:53:C6:91:A0:03:6C:0B:6E:32:13:21:6F:38:3D:FC"
	genuineLeaf = "0C:87:8A:0A:B7:32:93:75:2B:B3:F1:55:C4:1E:FF:9D:4C:E3:C6:5C:5F:F8:A0:48:49:2B:57:7A:D2:AE:BF:67"
)

func TestInterceptionsOfOtherTools(t *testing.T) {
	plain := strings.ToLower(strings.ReplaceAll(forgedLeaf, ":", ""))
	for _, c := range []struct {
		name         string
		args         []string
		check, wants string
	}{
		{"nothing is named", nil, "TC-01", "NOT TESTED"},
		{"the certificate is named", []string{"--intercepted", "self-signed=" + forgedLeaf}, "TC-01",
			"FAIL: In 2 of 4 streams in which another tool presented a certificate that was named as self-signed, the device sent application data " +
				"after both sides had changed keys: cam.example:443 (2 of 4)."},
		{"without colons, beside another", []string{"--intercepted", "unknown-ca=" + strings.Repeat("ab", 32) + "," + plain}, "TC-02", "FAIL: In 2 of 4 streams"},
		{"it says nothing of other flaws", []string{"--intercepted", "unknown-ca=" + plain}, "TC-01", "NOT TESTED"},
		{"a certificate that is not in the capture", []string{"--intercepted", "self-signed=" + strings.Repeat("ab", 32)}, "TC-01", "NOT TESTED"},
		{"the genuine one, wrongly named: the operator is believed", []string{"--intercepted", "wrong-name=" + genuineLeaf}, "TC-03", "FAIL: In 1 of 1 stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := said(graded(t, c.args...), c.check); !strings.HasPrefix(got, c.wants) {
				t.Errorf("%s is %s\nwant %s", c.check, got, c.wants)
			}
		})
	}
	r := graded(t, "--intercepted", "self-signed="+forgedLeaf)
	if len(r.Run.Statements) != 1 || r.Run.Statements[0].Name != "intercepted self-signed" || r.Run.Statements[0].Value != plain {
		t.Errorf("the report does not say what was declared: %v", r.Run.Statements)
	}
}

func TestCertificatesThatCannotBeNamed(t *testing.T) {
	ab := strings.Repeat("ab", 32)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--intercepted", "tls-1.0=" + ab}, `unknown flaw "tls-1.0"`},
		{[]string{"--intercepted", "self-signed=abcd"}, `"abcd" is no SHA-256`},
		{[]string{"--intercepted", "self-signed=" + ab + ","}, `"" is no SHA-256`},
		{[]string{"--intercepted", "self-signed=" + ab, "--intercepted", "unknown-ca=" + strings.ToUpper(ab)}, "named with two flaws, self-signed and unknown-ca"},
	} {
		var out, errs strings.Builder
		code := run(append(append([]string{"grade"}, c.args...), interceptedFile), console{in: strings.NewReader(""), out: &out, err: &errs})
		if code != exitUsage || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%v: code %d, %s; want %s", c.args, code, errs.String(), c.want)
		}
	}
}
