package login

import (
	"strings"

	"golang.org/x/net/html"
)

// text is what a reader sees of a page, in lower case.
func (p page) text() string {
	doc, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return ""
	}
	var out strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && !hidden(n.Parent) {
			out.WriteString(strings.ToLower(n.Data))
			out.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// hidden says that the text of an element is not for readers.
func hidden(n *html.Node) bool {
	if n == nil {
		return false
	}
	switch n.Data {
	case "script", "style", "template", "noscript", "title":
		return true
	}
	return false
}

// nowSays says that a page has words that the earlier one did not have.
func (p page) nowSays(earlier page, words []string) bool {
	before := earlier.text()
	now := p.text()
	for _, w := range words {
		if strings.Contains(now, w) && !strings.Contains(before, w) {
			return true
		}
	}
	return false
}

// scripts says how many programs a page has.
func (p page) scripts() (n int) {
	doc, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return 0
	}
	for e := range doc.Descendants() {
		if e.Type == html.ElementNode && (e.Data == "script" || attribute(e, "onsubmit")+attribute(e, "onclick") != "") {
			n++
		}
	}
	return n
}

// isProgrammed says that a program in the page may send the form, perhaps with the
// password changed: a refusal then says nothing about the password.
func (p page) isProgrammed() bool { return p.scripts() > 0 }

// isShell says that a page has nothing to read and a program that makes the rest.
func (p page) isShell() bool {
	const little = 200 // characters: a notice that scripts must be on, a copyright line
	return p.scripts() > 0 && len(p.text()) < little
}

// exit is where a page's link to log out leads, or "".
func (p page) exit() string {
	doc, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return ""
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" {
			continue
		}
		at := attribute(n, "href")
		if says(strings.NewReplacer("-", "", "_", "").Replace(at), []string{"logout", "logoff", "signout"}) {
			return at
		}
	}
	return ""
}
