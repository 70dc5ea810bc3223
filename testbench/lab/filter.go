//go:build linux

package lab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// filterLines tells the nftables ruleset. Handles and counts are left out, because
// the same rules, loaded again, have others.
func filterLines(s *Site) (out []string, err error) {
	c, err := nftables.New(nftables.WithNetNSFd(int(s.net.Fd())))
	if err != nil {
		return nil, err
	}
	tables, err := c.ListTables()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(tables, func(a, b *nftables.Table) int { return strings.Compare(tableName(a), tableName(b)) })
	for _, t := range tables {
		out = append(out, fmt.Sprintf("table %s flags=%d", tableName(t), t.Flags))
		for _, list := range []func(*nftables.Conn, *nftables.Table) ([]string, error){setLines, chainLines, objectLines} {
			lines, err := list(c, t)
			out = append(out, lines...)
			if err != nil {
				return out, fmt.Errorf("table %s: %w", tableName(t), err)
			}
		}
	}
	return out, nil
}

func tableName(t *nftables.Table) string { return fmt.Sprintf("%d/%s", t.Family, t.Name) }

func chainLines(c *nftables.Conn, t *nftables.Table) ([]string, error) {
	chains, err := c.ListChainsOfTableFamily(t.Family)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(chains, func(a, b *nftables.Chain) int { return strings.Compare(a.Name, b.Name) })
	var out []string
	for _, ch := range chains {
		if ch.Table.Name != t.Name {
			continue
		}
		out = append(out, "  chain "+ch.Name+" "+plain(ch.Type)+" hook="+plain(ch.Hooknum)+" priority="+plain(ch.Priority)+" policy="+plain(ch.Policy))
		rules, err := c.GetRules(t, ch)
		if err != nil {
			return out, err
		}
		for _, r := range rules {
			out = append(out, "    rule "+ruleText(r))
		}
	}
	return out, nil
}

func ruleText(r *nftables.Rule) string {
	var parts []string
	for _, e := range r.Exprs {
		switch e.(type) {
		case *expr.Counter:
			parts = append(parts, "counter")
		default:
			parts = append(parts, strings.TrimPrefix(fmt.Sprintf("%T", e), "*expr.")+plain(e))
		}
	}
	if len(r.UserData) > 0 {
		parts = append(parts, fmt.Sprintf("note=%x", r.UserData))
	}
	return strings.Join(parts, " ")
}

// setLines tells the sets with their elements; those of a set that packets change
// are left out.
func setLines(c *nftables.Conn, t *nftables.Table) ([]string, error) {
	sets, err := c.GetSets(t)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range sets {
		name := s.Name
		if s.Anonymous {
			name = "(of a rule)"
		}
		line := fmt.Sprintf("  set %s key=%s data=%s map=%t interval=%t dynamic=%t timeout=%t", name, s.KeyType.Name, s.DataType.Name, s.IsMap, s.Interval, s.Dynamic, s.HasTimeout)
		if !s.Dynamic && !s.HasTimeout {
			elements, err := c.GetSetElements(s)
			if err != nil {
				return out, err
			}
			line += " " + elementText(elements)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out, nil
}

func elementText(elements []nftables.SetElement) string {
	var parts []string
	for _, e := range elements {
		text := fmt.Sprintf("%x", e.Key)
		if e.IntervalEnd {
			text += "(end)"
		}
		if len(e.Val) > 0 {
			text += fmt.Sprintf(":%x", e.Val)
		}
		if e.VerdictData != nil {
			text += ":" + plain(e.VerdictData)
		}
		parts = append(parts, text)
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

func objectLines(c *nftables.Conn, t *nftables.Table) ([]string, error) {
	objects, err := c.GetNamedObjects(t)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, o := range objects {
		if named, ok := o.(*nftables.NamedObj); ok {
			out = append(out, fmt.Sprintf("  object %s type=%d", named.Name, named.Type))
		}
	}
	slices.Sort(out)
	return out, nil
}

// plain is a value as text, pointers followed.
func plain(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(text)
}
