package lookup

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
)

// The list is looked for in the three places of RFC 6962 section 3.3.
func TestWhereTimestampsOfPublicLogsAre(t *testing.T) {
	plain := &x509.Certificate{Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 15}}}}
	listed := &x509.Certificate{Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}}}}
	oid, err := asn1.Marshal(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5})
	if err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]tls.ConnectionState{
		"none":        {PeerCertificates: []*x509.Certificate{plain}, OCSPResponse: []byte{0x30, 0x00}},
		"certificate": {PeerCertificates: []*x509.Certificate{listed}},
		"handshake":   {PeerCertificates: []*x509.Certificate{plain}, SignedCertificateTimestamps: [][]byte{{0}}},
		"staple":      {PeerCertificates: []*x509.Certificate{plain}, OCSPResponse: append([]byte{0x30, 0x20}, oid...)},
	} {
		if got := timestamps(s); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
