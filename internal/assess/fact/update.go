package fact

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/assess/event"
)

func updateSchema() []Decl {
	return []Decl{
		{"update.contacts", Int, "TLS conversations and readable requests of the device whose server name or path has a word for updating"},
		{"update.contact_list", List, "the names and paths of update.contacts"},
		{"update.host_stated", Bool, "the operator states which servers give updates (statement update-host, host names separated by commas)"},
		{"update.stated_contacts", Int, "contacts to the stated servers, those within an hour counted once; unknown without the statement"},
		{"update.none_declared", Bool, "the operator states that the supplier declares no updates (statement updates: none)"},
		{"update.images", Int, "software images that the device fetched readable over HTTP"},
		{"update.images_signed", Int, "of update.images, those with a recognised signature block at their beginning, or whose signature was fetched beside them"},
		{"update.images_bare", Int, "of update.images, those seen from their beginning, of a known image format, without a recognised signature"},
		{"update.images_unclear", Int, "of update.images, those whose beginning was not seen or whose format may hold a signature elsewhere"},
		{"update.image_list", List, "format, size and server of each of update.images"},
		{"update.large_encrypted", Int, "encrypted conversations with a server whose name has a word for updating, or that the operator stated, in which the device received 1 MiB or more"},
	}
}

const (
	updateHostLimit = 512           // server names kept
	imageLimit      = 64            // images kept
	leastImage      = 64 << 10      // bytes of a download that may be an image, by its name
	leastEncrypted  = 1 << 20       // bytes of an encrypted download that may be an image
	contactSpacing  = 1 * time.Hour // contacts closer than this are one
	noUpdates       = "none"        // value of the statement "updates"
	statedHosts     = "update-host" // statement: which servers give updates
	statedUpdates   = "updates"     // statement: whether there are any
)

// updateLens watches how the device gets new software.
type updateLens struct {
	contacts   findings
	hosts      map[string]*updateHost
	flows      map[event.FlowID]string // server name of an open TLS conversation
	images     []image
	signatures map[string]bool // paths of signature files that were fetched
	all        Because
}

// updateHost is one server that the device was in contact with.
type updateHost struct {
	spaced  int // contacts, an hour apart
	last    time.Time
	because Because
	large   Because // encrypted downloads
}

// image is one readable download that is, or may be, a software image.
type image struct {
	ev   *event.Event
	body event.HTTPResponse
}

func (*updateLens) wants() wanted {
	return wanted{
		Actor: {event.ClientHello{}, event.HTTPRequest{}, event.HTTPResponse{}, event.FlowEnded{}},
	}
}

func (l *updateLens) see(w *world, ev *sighting, role Role) {
	if role != Actor || !w.isOwnEnd(ev.Client.Addr()) {
		return
	}
	switch b := ev.Body.(type) {
	case event.ClientHello:
		l.seeHello(ev, b)
	case event.HTTPRequest:
		l.seeRequest(ev, b)
	case event.HTTPResponse:
		l.seeResponse(ev, b)
	case event.FlowEnded:
		l.seeEnd(ev, b)
	}
}

func (l *updateLens) seeHello(ev *sighting, b event.ClientHello) {
	name := hostName(b.SNI)
	if name == "" {
		return
	}
	if l.flows == nil {
		l.flows = map[event.FlowID]string{}
	}
	if len(l.flows) < openLimit {
		l.flows[ev.Flow] = name
	}
	l.contact(ev, name)
	if isUpdateName(name) {
		l.contacts.add(ev, "TLS to "+event.Clean(name))
	}
}

func (l *updateLens) seeRequest(ev *sighting, b event.HTTPRequest) {
	name := hostName(b.Host)
	l.contact(ev, name)
	path, _, _ := strings.Cut(b.Target, "?")
	if hasSuffixOf(path, ".sig", ".asc", ".minisig", ".p7s", ".sign", ".signature") {
		l.keepSignature(name + path)
	}
	if isUpdateName(name) || isUpdatePath(path) {
		l.contacts.add(ev, "HTTP to "+event.Clean(name))
	}
}

func (l *updateLens) keepSignature(path string) {
	if l.signatures == nil {
		l.signatures = map[string]bool{}
	}
	if len(l.signatures) < imageLimit {
		l.signatures[path] = true
	}
}

// contact notes that the device spoke to a server.
func (l *updateLens) contact(ev *sighting, name string) {
	h := l.host(name)
	if h == nil {
		return
	}
	h.because.See(ev)
	if h.spaced == 0 || ev.At.Sub(h.last) >= contactSpacing {
		h.spaced++
		h.last = ev.At
	}
}

func (l *updateLens) host(name string) *updateHost {
	if l.hosts == nil {
		l.hosts = map[string]*updateHost{}
	}
	h, ok := l.hosts[name]
	if !ok && len(l.hosts) < updateHostLimit && name != "" {
		h = &updateHost{}
		l.hosts[name] = h
	}
	return h
}

func (l *updateLens) seeResponse(ev *sighting, b event.HTTPResponse) {
	if b.Status != 200 && b.Status != 206 || b.Method == "HEAD" {
		return
	}
	if isImageFormat(b.Body) || b.Signature != "" || isImageByName(b) {
		l.all.See(ev)
		if len(l.images) < imageLimit {
			l.images = append(l.images, image{ev.keep(), b})
		}
	}
}

func (l *updateLens) seeEnd(ev *sighting, b event.FlowEnded) {
	name, ok := l.flows[ev.Flow]
	delete(l.flows, ev.Flow)
	if ok && protocolKinds[b.Protocol] == clearEncrypted && b.Server.Bytes >= leastEncrypted {
		if h := l.host(name); h != nil {
			h.large.See(ev)
		}
	}
}

// isImageFormat is true for formats that only software images have.
func isImageFormat(format string) bool {
	return slices.Contains([]string{"uimage", "fit", "squashfs", "crau", "trx", "bin-firmware", "ubi", "ubifs", "android-boot", "esp-image", "rauc"}, format)
}

// isImageByName is true for a large download whose path says that it is an
// image. Its format tells too little to look for a signature.
func isImageByName(b event.HTTPResponse) bool {
	path, _, _ := strings.Cut(b.Target, "?")
	switch {
	case b.BodyBytes < leastImage || isDocument(b):
		return false
	case hasSuffixOf(path, ".fw", ".swu", ".ota", ".img", ".rom", ".ubin", ".trx", ".raucb", ".hex"):
		return true
	default:
		return isUpdatePath(path)
	}
}

// isDocument leaves out pages, data and pictures about updates.
func isDocument(b event.HTTPResponse) bool {
	kind, _, _ := strings.Cut(b.ContentType, "/")
	return slices.Contains([]string{"text", "image", "audio", "video"}, strings.ToLower(kind)) ||
		slices.Contains([]string{"html", "json", "xml", "text", "png", "jpeg", "gif", "pdf", "webp", "mp4"}, b.Body)
}

// updateWords are what vendors call their update servers and paths.
var updateWords = []string{"ota", "fota", "fw", "firmware", "firmwares", "update", "updates", "updater", "upgrade", "upgrades", "fwupdate", "fwupgrade", "swupdate", "softwareupdate", "otaupdate", "sysupgrade"}

func isUpdateName(host string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(host, isWordBreak), isUpdateWord)
}

func isUpdatePath(path string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(path), isWordBreak), isUpdateWord)
}

func isUpdateWord(w string) bool { return slices.Contains(updateWords, w) }

// hostName is a host in lower case, without port and final dot.
func hostName(s string) string {
	host, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), ":")
	return strings.TrimSuffix(host, ".")
}

func (l *updateLens) state(w *world, out *Sheet) {
	l.contacts.state(out, "update.contacts", "update.contact_list")
	l.stateStatements(w, out)
	l.stateImages(out)
}

func (l *updateLens) stateStatements(w *world, out *Sheet) {
	declared := strings.TrimSpace(w.closing.Statements[statedUpdates])
	out.Bool("update.none_declared", strings.EqualFold(declared, noUpdates), Because{})
	stated := map[string]bool{}
	for _, name := range strings.Split(w.closing.Statements[statedHosts], ",") {
		if n := hostName(name); n != "" {
			stated[n] = true
		}
	}
	var contacts, large Because
	spaced := 0
	for _, name := range sortedNames(l.hosts) {
		h := l.hosts[name]
		if stated[name] {
			contacts.Join(h.because)
			spaced += h.spaced
		}
		if stated[name] || isUpdateName(name) {
			large.Join(h.large)
		}
	}
	out.Bool("update.host_stated", len(stated) > 0, Because{})
	out.Int("update.large_encrypted", large.Seen(), large)
	if len(stated) > 0 {
		out.Int("update.stated_contacts", spaced, contacts)
	}
}

func sortedNames[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (l *updateLens) stateImages(out *Sheet) {
	var signed, bare, unclear Because
	var lines []string
	for _, i := range l.images {
		switch {
		case i.body.Signature != "" || l.isSignedBeside(i.body):
			signed.Add(i.ev)
			lines = append(lines, i.line("signature block recognised"))
		case i.body.Status == 200 && beginsUnsigned(i.body.Body):
			bare.Add(i.ev)
			lines = append(lines, i.line("no signature recognised"))
		default:
			unclear.Add(i.ev)
			lines = append(lines, i.line("a signature can neither be seen nor excluded"))
		}
	}
	out.Int("update.images", l.all.Seen(), l.all)
	out.Int("update.images_signed", signed.Seen(), signed)
	out.Int("update.images_bare", bare.Seen(), bare)
	out.Int("update.images_unclear", unclear.Seen()+l.all.Seen()-len(l.images), unclear)
	out.List("update.image_list", sortedUnique(lines), l.all)
}

// beginsUnsigned is true for formats whose beginning is all there is to see of
// them: the others keep their signature inside (crau, rauc) or may hold anything.
func beginsUnsigned(format string) bool {
	inside := format == "crau" || format == "rauc"
	return isImageFormat(format) && !inside || format == "elf"
}

// isSignedBeside says whether a signature file for the same path was fetched
// readable, before or after the image.
func (l *updateLens) isSignedBeside(b event.HTTPResponse) bool {
	path, _, _ := strings.Cut(b.Target, "?")
	for s := range l.signatures {
		if strings.HasPrefix(s, hostName(b.Host)+path+".") || strings.HasPrefix(s, hostName(b.Host)+strings.TrimSuffix(path, extension(path))+".") {
			return true
		}
	}
	return false
}

func extension(path string) string {
	if at := strings.LastIndexByte(path, '.'); at > strings.LastIndexByte(path, '/') {
		return path[at:]
	}
	return ""
}

func (i image) line(word string) string {
	format := i.body.Body
	if format == "" {
		format = "unknown format"
	}
	return fmt.Sprintf("%s from %s, %d bytes: %s", event.Clean(format), event.Clean(hostName(i.body.Host)), i.body.BodyBytes, word)
}
