package report

import (
	"fmt"
	"strings"

	"assay/internal/assess/rule"
)

// textWidth is the width of the text rendering, in characters.
const textWidth = 80

// Text renders the report for a terminal, wrapped at 80 characters. With colour
// it adds ECMA-48 colours, which never are the only sign.
func Text(r Report, colour bool) string {
	p := &textPage{width: textWidth, colour: colour}
	p.verdict(r)
	p.lamps(r)
	p.families(r)
	p.attention(r)
	p.passes(r)
	p.open(r)
	p.notApplicable(r)
	p.destinations(r)
	p.evidence(r)
	p.blank()
	p.line(r.Disclaimer)
	return p.out.String()
}

func (p *textPage) verdict(r Report) {
	t := overallTone(r.Overall.Verdict)
	p.line(p.paint(t, t.symbol()+" "+r.Overall.Verdict))
	p.para(2, r.Overall.meaning()+" "+r.Overall.Why)
	p.blank()
	p.label(2, "Device", deviceLine(r.Device))
	p.label(2, "Labelled", labelLine(r.Run.Told))
	p.label(2, "Profile", r.Run.ProfileTitle)
	if r.Overall.Percent != nil {
		p.label(2, "Score", percentText(r.Overall.Percent))
	}
	p.label(2, "Shown", r.Overall.Coverage.String()+" required checks reached a verdict")
	p.label(2, "Evidence", fmt.Sprintf("%s, %d frames, %s", r.Evidence.Name, r.Evidence.Frames, when(r.Run.Started)))
	p.label(2, "", r.Evidence.Note)
}

// deviceLine tells who was graded in one line.
func deviceLine(d Device) string {
	parts := []string{}
	for _, s := range []string{d.Name, d.MAC, strings.Join(firstFew(d.Addresses, 3), ", ")} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if d.Vendor != "" {
		parts = append(parts, "calls itself "+d.Vendor)
	}
	if len(parts) == 0 {
		return "none found"
	}
	return strings.Join(parts, " · ")
}

// labelLine tells what the operator calls the device and its serial number, in the
// operator's words and marked as such; "" when neither was told.
func labelLine(told []Field) string {
	parts := []string{}
	for _, t := range told {
		switch t.Name {
		case ToldLabel:
			parts = append(parts, "“"+t.Value+"”")
		case ToldSerial:
			parts = append(parts, "serial number “"+t.Value+"”")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " · ") + " (said by the operator, not observed)"
}

func firstFew(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(append([]string{}, list[:n]...), fmt.Sprintf("… %d more", len(list)-n))
}

func (p *textPage) lamps(r Report) {
	p.blank()
	for _, l := range r.Lamps {
		t := tone(l.State)
		p.line("  " + p.paint(t, t.symbol()+" "+pad(l.Name, 13)+pad(l.Grade, 3)+l.Word))
	}
	p.ladder("DNSSEC", r.Ladders.DNSSEC)
	p.ladder("IPv6", r.Ladders.IPv6)
}

func (p *textPage) ladder(name string, l Ladder) {
	switch {
	case l.Level != "":
		p.label(2, name, l.Level+": "+l.Meaning)
	case l.Meaning != "":
		p.label(2, name, l.Meaning)
	}
	p.label(2, "", l.Missing)
}

func (p *textPage) families(r Report) {
	p.heading("Families")
	for _, f := range r.Families {
		t := gradeTone(f.Grade)
		p.line(fmt.Sprintf("  %s %s %s %s %s",
			p.paint(t, t.symbol()+" "+f.Grade), pad(f.Name, 34), pad(f.Word, 19),
			pad(percentText(f.Percent), 6), f.Coverage.String()+" shown"))
	}
}

func (p *textPage) attention(r Report) {
	list := r.attention()
	p.heading(fmt.Sprintf("Needs attention (%d)", len(list)))
	if len(list) == 0 {
		p.line("  No check failed.")
	}
	for i, f := range list {
		if i > 0 {
			p.blank()
		}
		p.finding(f)
	}
}

func (p *textPage) finding(f Finding) {
	t := verdictTone(f.Verdict)
	p.hang("  "+p.paint(t, t.symbol()+" "+pad(f.Verdict, 8))+p.bold(f.Check)+"  ", 4, f.Headline())
	p.label(4, "", strings.ToLower(f.Level)+" · severity "+f.Severity+" · "+plural(f.N, "observation"))
	p.label(4, "Why", f.Why)
	p.label(4, "Demand", f.Ask)
	p.label(4, "What to do", f.Advice)
	p.label(4, "Limits", f.Limits)
	if len(f.Evidence) > 0 {
		p.label(4, "Frames", refsText(f.Evidence, 10))
	}
}

func (p *textPage) passes(r Report) {
	list := r.withVerdict(rule.Pass)
	p.heading(fmt.Sprintf("Passed (%d)", len(list)))
	for _, f := range list {
		p.hang("  "+p.paint(toneGood, toneGood.symbol())+" "+f.Check+"  ", 11, f.Title)
		p.para(11, f.Why)
		if len(f.Evidence) > 0 {
			p.para(11, "Frames "+refsText(f.Evidence, 6))
		}
	}
}

// open lists the checks without an answer, those with the same way to one together.
func (p *textPage) open(r Report) {
	p.heading(fmt.Sprintf("Not tested or not settled (%d)", len(r.NotTested)))
	for _, g := range r.openGroups() {
		for _, n := range g.Checks {
			p.hang("  "+p.paint(toneUnknown, "?")+" "+n.Check+"  ", 11, openTitle(n))
			if n.Verdict == rule.Inconclusive.String() {
				p.para(11, n.Why)
			}
		}
		if g.Needs != "" {
			p.hang("           → ", 13, g.Needs)
		}
	}
}

// openTitle adds how much a check counts; a check without a rule has no title.
func openTitle(n NotTested) string {
	if n.Title == "" {
		return strings.ToLower(n.Level)
	}
	return n.Title + " (" + strings.ToLower(n.Level) + ")"
}

func (p *textPage) notApplicable(r Report) {
	list := r.withVerdict(rule.NotApplicable)
	if len(list) == 0 {
		return
	}
	p.heading(fmt.Sprintf("Not applicable (%d)", len(list)))
	for _, f := range list {
		p.hang("  – "+f.Check+"  ", 11, f.Title+": "+f.Why)
	}
}

func (p *textPage) destinations(r Report) {
	const most = 20
	if len(r.Destinations) == 0 {
		return
	}
	p.heading(fmt.Sprintf("Destinations (%d)", len(r.Destinations)+r.DestinationsMore))
	for i, d := range r.Destinations {
		if i == most {
			p.line(fmt.Sprintf("  … %d more in the JSON report", len(r.Destinations)-most))
			break
		}
		p.hang("  ", 4, destinationLine(d))
	}
}

func destinationLine(d Destination) string {
	name := d.Name
	if name == "" {
		name = d.Address
	}
	return fmt.Sprintf("%s port %d %s, %s: sent %s, received %s", name, d.Port, protocolText(d), d.Protection, size(d.Sent), size(d.Received))
}

// protocolText is "TCP/tls" or "UDP".
func protocolText(d Destination) string {
	if d.Protocol == "" {
		return d.Transport
	}
	return d.Transport + "/" + d.Protocol
}

func (p *textPage) evidence(r Report) {
	p.heading("About the evidence")
	p.label(2, "File", r.Evidence.Name)
	p.label(2, "SHA-256", r.Evidence.SHA256)
	p.label(2, "Period", when(r.Run.Started)+", "+lasted(r.Run.Started, r.Run.Ended))
	p.label(2, "Frames", fmt.Sprintf("%d, %s", r.Evidence.Frames, size(r.Evidence.Bytes)))
	p.label(2, "Device", r.Device.ChosenBecause)
	for _, t := range r.Run.Told {
		p.label(2, "Operator", t.Name+": "+t.Value)
	}
	for _, h := range r.Hosts {
		p.label(2, "Host", hostLine(h))
	}
	p.label(2, "Rules", r.Run.RulesDigest)
	p.label(2, "Assay", r.Run.AssayVersion)
	p.label(2, "Run", r.Run.ID)
}

func hostLine(h Host) string {
	line := h.ID
	for _, s := range []string{strings.Join(firstFew(h.Names, 2), ", "), h.Role} {
		if s != "" {
			line += " · " + s
		}
	}
	if h.Graded {
		line += " · graded"
	}
	return line
}
