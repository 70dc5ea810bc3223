package resolver

import (
	"strings"
	"testing"
)

func TestReadAnchors(t *testing.T) {
	const ds = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
	for text, want := range map[string]string{
		ds:                       "",
		"; root\n" + ds + ds:     "",
		"":                       "cannot find a trust anchor in root.key",
		". IN A 192.0.2.1\n":     "cannot take A of root.key",
		"$INCLUDE /etc/passwd\n": "cannot read trust anchors",
	} {
		list, err := ReadAnchors(strings.NewReader(text), "root.key")
		switch {
		case want == "" && (err != nil || len(list) != strings.Count(text, "20326")):
			t.Errorf("%q: %v, %v", text, list, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
