package page

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"assay/internal/assess/report"
)

// functions are those of the views.
func functions(l language) template.FuncMap {
	return template.FuncMap{
		"t":       l.say,
		"wordOr":  func(key, other string) string { return l.or(key, other) },
		"lasts":   l.lasts,
		"size":    sizeText,
		"clock":   func(t time.Time) string { return t.Local().Format("15:04:05") },
		"day":     func(t time.Time) string { return t.Local().Format("2006-01-02 15:04") },
		"sign":    sign,
		"tone":    func(s report.LampState) string { return string(s) },
		"tones":   verdictTone,
		"overall": overallTone,
		"percent": percent,
		"doing":   func(r liveRun) string { return doing(l, r) },
		"reason":  func(r liveRun) string { return reason(l, r) },
		"did":     func(m moment) string { return did(l, m) },
		"ours":    func(m moment) bool { return strings.HasPrefix(m.Kind, "box.") },
		"sum":     func(f far) uint64 { return f.Sent + f.Received },
	}
}

// sign is the shape that goes with a tone: colours are never the only sign.
func sign(tone string) string {
	switch tone {
	case "good":
		return "✓"
	case "remarks":
		return "~"
	case "bad":
		return "✗"
	case "critical":
		return "✗"
	case "off":
		return "–"
	}
	return "?"
}

func verdictTone(verdict string) string {
	switch verdict {
	case "PASS":
		return "good"
	case "PARTIAL":
		return "remarks"
	case "FAIL":
		return "bad"
	case "NOT APPLICABLE":
		return "off"
	}
	return "unknown"
}

func overallTone(verdict string) string {
	switch verdict {
	case "MEETS THE DEMAND":
		return "good"
	case "MEETS WITH REMARKS":
		return "remarks"
	case "DOES NOT MEET":
		return "critical"
	}
	return "unknown"
}

func percent(p *int) string {
	if p == nil {
		return "–"
	}
	return strconv.Itoa(*p) + " %"
}

// sizeText is a number of bytes as people read it.
func sizeText(n any) string {
	var bytes float64
	switch v := n.(type) {
	case uint64:
		bytes = float64(v)
	case int64:
		bytes = float64(v)
	}
	for _, unit := range []string{"B", "kB", "MB"} {
		if bytes < 1000 {
			return trim(bytes) + " " + unit
		}
		bytes /= 1000
	}
	return trim(bytes) + " GB"
}

func trim(v float64) string {
	digits := 1
	if v >= 10 {
		digits = 0
	}
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', digits, 64), ".0")
}

// doing says in a few words what is being tried.
func doing(l language, r liveRun) string {
	if r.Step.Of == 0 {
		return l.say("doing.observe")
	}
	words := l.or("doing."+r.Step.Experiment, r.Step.Experiment)
	if network := l.or("doing."+r.Step.Network, ""); network != "" {
		words += " · " + network
	}
	return words
}

// reason says why it is tried.
func reason(l language, r liveRun) string {
	if r.Step.Experiment == "observe" || r.Step.Experiment == "" {
		if special := l.or("why."+r.Step.Network, ""); special != "" {
			return special
		}
	}
	return l.or("why."+r.Step.Experiment, l.say("why.observe"))
}

// did says in words what the device did.
func did(l language, m moment) string {
	text := l.or("did."+m.Kind, m.Kind)
	if strings.Contains(text, "%s") {
		return strings.Replace(text, "%s", m.About, 1)
	}
	return text
}
