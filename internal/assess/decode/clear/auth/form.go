package auth

import (
	"bytes"
	"encoding/json"
	"strings"
)

const (
	// BodyLimit is how much of a body is read for fields.
	BodyLimit = 16 << 10
	// fieldLimit bounds the fields of one form that are read.
	fieldLimit = 256
	// cutMark stands where a credential was cut out of a request target.
	cutMark = "[cut]"
)

// HasFields reports whether bodies of this content type are read for fields.
func HasFields(contentType string) bool {
	switch mediaType(contentType) {
	case "application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "":
		return true
	}
	return isJSONType(contentType) || isXMLType(contentType)
}

// Body reads the credential in the beginning of a form, a multipart form, a JSON
// or an XML body.
func Body(contentType string, body []byte) (Credential, bool) {
	body = body[:min(len(body), BodyLimit)]
	var f fields
	switch {
	case isJSONType(contentType) || looksJSON(body):
		jsonFields(&f, body)
	case isXMLType(contentType):
		xmlFields(&f, string(body))
	case mediaType(contentType) == "multipart/form-data":
		multipartFields(&f, Param(parameters(contentType), "boundary"), body)
	case mediaType(contentType) == "application/x-www-form-urlencoded" || bytes.IndexByte(body, '\n') < 0:
		queryFields(&f, string(body))
	}
	return f.credential()
}

func mediaType(contentType string) string {
	name, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(name))
}

func parameters(contentType string) string {
	_, rest, _ := strings.Cut(contentType, ";")
	return rest
}

func isJSONType(contentType string) bool {
	name := mediaType(contentType)
	return name == "application/json" || name == "text/json" || strings.HasSuffix(name, "+json")
}

// looksJSON: many a device posts JSON as a form.
func looksJSON(body []byte) bool {
	s := bytes.TrimLeft(body, " \t\r\n")
	return len(s) > 1 && s[0] == '{' && bytes.IndexByte(s, '"') > 0
}

// queryFields reads name=value pairs and returns them with credentials cut out.
func queryFields(f *fields, text string) string {
	if !strings.Contains(text, "=") {
		return text
	}
	var out strings.Builder
	for n := 0; text != ""; n++ {
		end := strings.IndexByte(text, '&')
		pair, sep := text, ""
		if end >= 0 {
			pair, sep = text[:end], text[end:end+1]
		}
		text = text[len(pair)+len(sep):]
		name, value, _ := strings.Cut(pair, "=")
		if n < fieldLimit && f.add(Unescape(name), Unescape(strings.TrimRight(value, "\r\n"))) {
			pair = name + "=" + cutMark
		}
		out.WriteString(pair + sep)
	}
	return out.String()
}

// Target reads credentials out of a request target or URL, in its user
// information (RFC 3986 section 3.2.1) and its query, and returns it without them.
func Target(target string) (clean string, c Credential, ok bool) {
	target, c, ok = userInfo(target)
	path, query, found := strings.Cut(target, "?")
	if !found {
		return target, c, ok
	}
	query, fragment, hasFragment := strings.Cut(query, "#")
	var f fields
	clean = path + "?" + queryFields(&f, query)
	if hasFragment {
		clean += "#" + fragment
	}
	if inQuery, has := f.credential(); has && !ok {
		c, ok = inQuery, true
	}
	return clean, c, ok
}

func userInfo(target string) (clean string, c Credential, ok bool) {
	scheme, rest, found := strings.Cut(target, "://")
	if !found || len(scheme) > 16 || strings.ContainsAny(scheme, "/?") {
		return target, Credential{}, false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return target, Credential{}, false
	}
	user, secret, has := strings.Cut(rest[:at], ":")
	c = Credential{User: Name(Unescape(user)), Secret: Secret(Unescape(secret))}
	return scheme + "://" + rest[at+1:], c, has && secret != ""
}

// multipartFields reads the parts of a multipart form (RFC 7578).
func multipartFields(f *fields, boundary string, body []byte) {
	if boundary == "" || len(boundary) > 70 {
		return
	}
	parts := bytes.SplitN(body, []byte("--"+boundary), fieldLimit)
	for _, part := range parts[1:] {
		head, value, found := bytes.Cut(part, []byte("\r\n\r\n"))
		if !found || len(head) > 1024 {
			continue
		}
		name := partName(string(head))
		f.add(name, string(bytes.TrimSuffix(value[:min(len(value), 1024)], []byte("\r\n"))))
	}
}

// partName is the name parameter of Content-Disposition; files have none here.
func partName(head string) string {
	for line := range strings.SplitSeq(head, "\r\n") {
		key, value, _ := strings.Cut(line, ":")
		if !strings.EqualFold(strings.TrimSpace(key), "content-disposition") || Param(value, "filename") != "" {
			continue
		}
		return Param(value, "name")
	}
	return ""
}

// jsonFields walks the tokens of a JSON text as far as they go; a text that was
// cut gives the fields before the cut.
func jsonFields(f *fields, body []byte) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var inObject []bool // for each open value: is it an object?
	key, wantKey := "", false
	for range fieldLimit * 16 {
		tok, err := dec.Token()
		if err != nil {
			return
		}
		if delim, is := tok.(json.Delim); is {
			inObject = nest(inObject, delim)
			wantKey, key = inside(inObject), ""
			continue
		}
		if wantKey {
			key, _ = tok.(string)
			wantKey = false
			continue
		}
		f.add(key, jsonText(tok))
		wantKey = inside(inObject)
	}
}

// nest opens or closes an object or array.
func nest(open []bool, delim json.Delim) []bool {
	if delim == '{' || delim == '[' {
		return append(open, delim == '{')
	}
	return open[:max(0, len(open)-1)]
}

// inside reports whether the innermost open value is an object.
func inside(open []bool) bool { return len(open) > 0 && open[len(open)-1] }

func jsonText(tok json.Token) string {
	switch v := tok.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
