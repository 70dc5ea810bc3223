package login

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// form is one that asks for a password.
type form struct {
	action, method, user, secret string
	rest                         url.Values
}

func (f form) body(user, secret string) url.Values {
	if f.method == http.MethodGet {
		return nil
	}
	return f.filled(user, secret)
}

func (f form) target(at *url.URL, user, secret string) *url.URL {
	if f.method != http.MethodGet {
		return at
	}
	out := *at
	out.RawQuery = f.filled(user, secret).Encode()
	return &out
}

func (f form) filled(user, secret string) url.Values {
	v := url.Values{}
	for key, list := range f.rest {
		v[key] = list
	}
	if f.user != "" {
		v.Set(f.user, user)
	}
	v.Set(f.secret, secret)
	return v
}

// findForm finds the first form of a page that has exactly one field for a password:
// with two, it sets one.
func findForm(p page) (f form, found bool) {
	doc, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return f, false
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" {
			if f, found = readForm(n); found {
				return f, true
			}
		}
	}
	return f, false
}

func readForm(n *html.Node) (f form, found bool) {
	f = form{action: attribute(n, "action"), method: http.MethodGet, rest: url.Values{}}
	if strings.EqualFold(attribute(n, "method"), "post") {
		f.method = http.MethodPost
	}
	secrets := 0
	for c := range n.Descendants() {
		if c.Type != html.ElementNode || c.Data != "input" || len(f.rest) > linesMost {
			continue
		}
		if f.take(c) {
			secrets++
		}
	}
	return f, secrets == 1 && f.secret != ""
}

// take reads one field, and says whether it is one for a password.
func (f *form) take(field *html.Node) (secret bool) {
	name := attribute(field, "name")
	switch strings.ToLower(attribute(field, "type")) {
	case "password":
		f.secret = name
		return true
	case "", "text", "email":
		f.user = cmp.Or(f.user, name)
	case "hidden":
		f.rest.Set(name, attribute(field, "value"))
	}
	return false
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
