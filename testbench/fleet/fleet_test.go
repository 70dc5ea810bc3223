package fleet

import (
	"strings"
	"testing"
)

func TestEveryDeviceIsOneOfItsOwn(t *testing.T) {
	names, macs := map[string]bool{}, map[[6]byte]bool{}
	for _, d := range All() {
		if names[d.Name] || macs[d.MAC] {
			t.Errorf("%s is there twice, or its hardware address %x is", d.Name, d.MAC)
		}
		names[d.Name], macs[d.MAC] = true, true
		if d.Title == "" || !strings.HasSuffix(d.Words, ".") {
			t.Errorf("%s is described as %q, %q", d.Name, d.Title, d.Words)
		}
		if found, err := Find(d.Name); found != d || err != nil {
			t.Errorf("%s is found as %v, %v", d.Name, found, err)
		}
	}
}

func TestAnUnknownDevice(t *testing.T) {
	_, err := Find("toaster")
	if err == nil || !strings.Contains(err.Error(), GoodCamera) || !strings.Contains(err.Error(), Hub) {
		t.Errorf("the error does not name the devices there are: %v", err)
	}
}
