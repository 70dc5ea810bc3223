package scan

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"assay/internal/assess/event"
)

// keyClass is what the value after a key would be.
type keyClass uint8

const (
	keyNone keyClass = iota
	keyToken
	keySerial
	keyShortSerial // a short key that also means other things
	keySSID
	keyPSK
	keyLat
	keyLon
	keyPerson
	keyMessageID
)

// keyNames maps keys in lower case without "_", "-" and "." to their class.
var keyNames = map[string]keyClass{
	"apikey": keyToken, "xapikey": keyToken, "accesstoken": keyToken, "authtoken": keyToken,
	"xauthtoken": keyToken, "token": keyToken, "secret": keyToken, "clientsecret": keyToken,
	"secretkey": keyToken, "accesskey": keyToken, "appkey": keyToken, "appsecret": keyToken,
	"refreshtoken": keyToken, "idtoken": keyToken, "sessiontoken": keyToken, "devicetoken": keyToken,
	"usertoken": keyToken, "sessionkey": keyToken, "authkey": keyToken, "privatekey": keyToken,
	"authorization": keyToken, "localkey": keyToken, "devicekey": keyToken,

	"serial": keySerial, "serialnumber": keySerial, "serialno": keySerial, "serialnum": keySerial,
	"deviceserial": keySerial, "devicesn": keySerial, "devsn": keySerial, "imei": keySerial,
	"deviceid": keySerial, "devid": keySerial, "productserial": keySerial, "deviceserialnumber": keySerial,
	"sn": keyShortSerial,

	"ssid": keySSID, "essid": keySSID, "wifissid": keySSID, "wifiname": keySSID, "apssid": keySSID,
	"stassid": keySSID, "networkssid": keySSID, "bssid": keySSID, "wlanssid": keySSID,

	"psk": keyPSK, "wpapsk": keyPSK, "wpa2psk": keyPSK, "wifipassword": keyPSK, "wifipass": keyPSK,
	"wifipwd": keyPSK, "wifikey": keyPSK, "presharedkey": keyPSK, "wpapassphrase": keyPSK,
	"wpakey": keyPSK, "wlankey": keyPSK, "wifipsk": keyPSK, "wpapassword": keyPSK,

	"lat": keyLat, "latitude": keyLat, "gpslat": keyLat, "gpslatitude": keyLat,
	"lon": keyLon, "lng": keyLon, "long": keyLon, "longitude": keyLon, "gpslon": keyLon, "gpslongitude": keyLon,

	"firstname": keyPerson, "lastname": keyPerson, "fullname": keyPerson, "surname": keyPerson, "familyname": keyPerson,

	"messageid": keyMessageID, "inreplyto": keyMessageID, "references": keyMessageID,
	"contentid": keyMessageID, "callid": keyMessageID, "realm": keyMessageID,
}

// classify tells the class of a key, by its name without case, "_", "-" and ".".
func classify(word []byte) keyClass {
	var room [20]byte
	n := 0
	for _, b := range word {
		if b == '_' || b == '-' || b == '.' {
			continue
		}
		if n == len(room) || !isAlnum(b) {
			return keyNone
		}
		room[n] = lowered(b)
		n++
	}
	if n < 2 {
		return keyNone
	}
	return keyNames[string(room[:n])]
}

// value judges word as the value of a key.
func (t *textScan) value(key keyClass, word []byte) (Found, bool) {
	text := string(word)
	switch key {
	case keyToken:
		if isSchemeWord(text) {
			t.key, t.opened, t.gap = keyToken, false, append(t.gap[:0], ':')
			return Found{}, false
		}
		return find(event.ExposedKey, text, !t.long && isRandomText(text))
	case keySerial, keyShortSerial:
		return find(event.ExposedSerial, text, isSerial(text, key == keyShortSerial))
	case keySSID:
		return find(event.ExposedWiFi, text, isNetworkName(text))
	case keyPSK:
		return find(event.ExposedWiFi, text, isNetworkKey(text))
	case keyPerson:
		return find(event.ExposedPersonal, text, isPersonName(text))
	case keyLat, keyLon:
		return t.position(key, text)
	default:
		return Found{}, false
	}
}

func find(kind event.ExposedKind, text string, ok bool) (Found, bool) {
	if !ok {
		return Found{}, false
	}
	return Found{Kind: kind, Sample: Cut(text)}, true
}

func isSchemeWord(s string) bool {
	return slices.Contains([]string{"bearer", "token", "apikey", "key"}, strings.ToLower(s))
}

// isRandomText is true for what a program drew at random and wrote in
// hexadecimal or Base64: long, many different characters, and letters and digits
// mixed so thoroughly that nobody wrote it.
func isRandomText(s string) bool {
	if len(s) < 16 || len(s) > 512 || s[0] == '/' || strings.ContainsAny(s, "@%") {
		return false
	}
	turns := 0
	for i := 1; i < len(s); i++ {
		turns += b2i(charClass(s[i]) != charClass(s[i-1]))
	}
	digits, letters := tally(s)
	return digits >= 2 && letters >= 2 && turns*5 >= len(s) && entropy(s) >= 3
}

// tally counts digits and letters.
func tally(s string) (digits, letters int) {
	for i := range len(s) {
		digits += b2i(isDigit(s[i]))
		letters += b2i(isAlnum(s[i]) && !isDigit(s[i]))
	}
	return digits, letters
}

func charClass(b byte) int {
	switch {
	case isDigit(b):
		return 0
	case b >= 'a' && b <= 'z':
		return 1
	case b >= 'A' && b <= 'Z':
		return 2
	default:
		return 3
	}
}

// entropy is Shannon's, in bits per byte.
func entropy(s string) float64 {
	var count [256]int
	for i := range len(s) {
		count[s[i]]++
	}
	sum := 0.0
	for _, c := range count {
		if c > 0 {
			p := float64(c) / float64(len(s))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// isSerial is true for 6 to 40 letters and digits, four of them digits; after a
// short key also with a letter.
func isSerial(s string, strict bool) bool {
	if len(s) < 6 || len(s) > 40 {
		return false
	}
	digits, letters := tally(s)
	if digits+letters+strings.Count(s, "-")+strings.Count(s, "_") != len(s) {
		return false
	}
	if strict && (letters == 0 || len(s) < 8) {
		return false
	}
	return digits >= 4 && entropy(s) > 1
}

// isNetworkName leaves out words that stand for a setting, not for a name.
func isNetworkName(s string) bool {
	return len(s) >= 2 && len(s) <= 32 && !isPlaceholder(s) && !strings.Contains(s, "%s") && s[0] != '/'
}

// isNetworkKey: a WPA passphrase has 8 to 63 characters, a key 64 digits.
func isNetworkKey(s string) bool {
	return len(s) >= 8 && len(s) <= 64 && !isPlaceholder(s) && !bytes.ContainsAny([]byte(s), "/%")
}

func isPersonName(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '-' || isDigit(s[i]) {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 40 && !isPlaceholder(s)
}

func isPlaceholder(s string) bool {
	words := []string{"true", "false", "null", "none", "nil", "undefined", "hidden", "auto", "on", "off", "yes", "no", "ssid", "psk", "string", "text", "enabled", "disabled", "required", "optional", "unknown", "default", "password", "passphrase", "wpa-psk", "wpa2-psk", "wpapsk", "wpa2psk", "broadcast", "any", "empty", "name", "value"}
	return slices.Contains(words, strings.ToLower(s))
}

// geoReach is how many bytes may lie between the two halves of a position.
const geoReach = 256

// geoPair is one half of a position whose other half may follow.
type geoPair struct {
	key  keyClass
	text string
	pos  int
}

// position joins latitude and longitude; only both together are a place.
func (t *textScan) position(key keyClass, text string) (Found, bool) {
	limit := 180.0
	if key == keyLat {
		limit = 90
	}
	if !isDegrees(text, limit) {
		return Found{}, false
	}
	other := t.geo
	t.geo = geoPair{key: key, text: text, pos: t.pos}
	if other.key == keyNone || other.key == key || t.pos-other.pos > geoReach {
		return Found{}, false
	}
	t.geo = geoPair{}
	return Found{Kind: event.ExposedGeo, Sample: Cut(other.text + " " + text)}, true
}

// isDegrees wants at least three decimals, about a hundred metres, and not zero.
func isDegrees(s string, limit float64) bool {
	dot := strings.IndexByte(s, '.')
	if dot < 1 || len(s)-dot-1 < 3 || len(s) > 24 {
		return false
	}
	if strings.Trim(strings.TrimPrefix(s, "-"), "0123456789.") != "" {
		return false
	}
	v, err := strconv.ParseFloat(s, 64)
	return err == nil && v != 0 && math.Abs(v) <= limit
}
