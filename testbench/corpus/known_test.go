package corpus

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// corpora is where other people's captures lie beside a checkout. The project
// does not ship them: these tests run where the folder is.
const corpora = "../../../shared/corpora"

// known reads the table of what tshark counts, by file and column.
func known(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(corpora, "KNOWN.tsv"))
	if os.IsNotExist(err) {
		t.Skip("the captures of other people are not beside this checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	columns := strings.Split(lines[0], "\t")
	out := map[string]map[string]string{}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range strings.Split(line, "\t") {
			row[columns[i]] = cell
		}
		out[row["file"]] = row
	}
	return out
}

// TestCountsAgreeWithTshark compares every column for every file.
func TestCountsAgreeWithTshark(t *testing.T) {
	for file, row := range known(t) {
		t.Run(file, func(t *testing.T) {
			c, err := Count(filepath.Join(corpora, file))
			if err != nil {
				t.Fatal(err)
			}
			// tshark counts the packets of QUIC, we its conversations.
			if (row["quic_initial"] == "0") != (c.QUIC == 0) {
				t.Errorf("%d QUIC conversations, tshark has %s Initials", c.QUIC, row["quic_initial"])
			}
			for column, got := range c.columns() {
				want := normal(row[column])
				if d, ok := differs[file+" "+column]; ok {
					want = d.ours
				}
				if got != want {
					t.Errorf("%s: we count %s, expected %s", column, got, want)
				}
			}
		})
	}
}

// differs lists where our count is meant to be another than tshark's, and why.
// Each was looked at frame by frame.
var differs = map[string]struct{ ours, why string }{
	"sentinel/D-LinkDayCam.pcap http_requests":         {"0", "all 3 are SSDP searches over UDP"},
	"sentinel/EdimaxCam2.pcap http_requests":           {"0", "all 4 are SSDP searches over UDP"},
	"sentinel/WeMoInsightSwitch.pcap http_requests":    {"0", "the one is an SSDP search over UDP"},
	"testrun/tls-monitor_with_quic.pcap http_requests": {"0", "all 20 are SSDP searches over UDP"},
	"testrun/tls-no_tls.pcap http_requests":            {"0", "all 4 are SSDP searches over UDP"},
	"testrun/tls-unsupported_tls.pcap http_requests":   {"0", "all 4 are SSDP searches over UDP"},
	"testrun/conn-monitor.pcap ntp_client":             {"53", "9 of the 62 are quoted inside ICMP errors"},
	"testrun/ntp-ntp.pcap ntp_client":                  {"146", "4 of the 150 are quoted inside ICMPv6 errors"},
	"testrun/tls-multi_page_monitor.pcap ntp_client":   {"10", "10 of the 20 are quoted inside ICMP errors"},
	"testrun/ntp-monitor.pcap tls_server_hello_versions": {
		"0x0304:16", "the ServerHello of frame 447 comes out of order; tshark does not put it together"},
	"single/inspector-application-data.pcap tls_client_hellos": {
		"17", "frames 5 and 7 are ClientHellos of conversations joined midway, which tshark leaves undecoded"},
}

// normal brings the versions of a row into order.
func normal(cell string) string {
	parts := strings.Fields(cell)
	if len(parts) == 2 && parts[1] < parts[0] {
		return parts[1] + " " + parts[0]
	}
	return cell
}

func (c Counts) columns() map[string]string {
	out := map[string]string{"tls_server_hello_versions": c.Hellos()}
	for name, n := range map[string]int{
		"packets": c.Packets, "dns_queries_udp53": c.DNSQueries, "dns_names": c.DNSNames, "dns_do_set": c.DNSWithDO,
		"dns_aaaa": c.DNSForAAAA, "tls_client_hellos": c.ClientHellos, "http_requests": c.HTTPRequests,
		"http_authorization": c.Authorization, "dhcp_discover_request": c.DHCPRequests, "icmpv6_rs": c.RouterSolicit,
		"ntp_client": c.NTPRequests,
	} {
		out[name] = strconv.Itoa(n)
	}
	return out
}
