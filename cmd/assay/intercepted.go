package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"assay/internal/assess/fact"
)

// certificates turns "flaw: digest,digest" into digest: flaw. A digest is the SHA-256
// of the certificate in DER, as "openssl x509 -fingerprint -sha256" prints it, with or
// without colons.
func certificates(named map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for flaw, list := range named {
		if known := fact.ForeignCases(); !slices.Contains(known, flaw) {
			return nil, fmt.Errorf("unknown flaw %q of an intercepted certificate: known are %s", flaw, strings.Join(known, ", "))
		}
		for text := range strings.SplitSeq(list, ",") {
			digest := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
			if b, err := hex.DecodeString(digest); err != nil || len(b) != sha256.Size {
				return nil, fmt.Errorf("%q is no SHA-256 of a certificate: write its 64 hexadecimal digits", text)
			}
			if other, again := out[digest]; again && other != flaw {
				return nil, fmt.Errorf("the certificate %s is named with two flaws, %s and %s", digest, min(flaw, other), max(flaw, other))
			}
			out[digest] = flaw
		}
	}
	return out, nil
}
