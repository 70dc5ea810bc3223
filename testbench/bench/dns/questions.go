//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/miekg/dns"

	"assay/testbench/internet/zone"
)

// writeQuestions writes what dnsperf asks: names of the small internet with
// addresses that every server finds, and those of them whose answers are signed.
func (b *bench) writeQuestions(ctx context.Context) error {
	want := map[string]string{}
	for _, z := range b.universe.Zones() {
		want[z.Name] = z.Want
	}
	var plain, signed strings.Builder
	for _, q := range b.universe.Names() {
		if !isAddress(q) || !b.found(ctx, q) {
			continue
		}
		line := q.Name + " " + dns.TypeToString[q.Type] + "\n"
		plain.WriteString(line)
		if want[q.Zone] == zone.Secure {
			signed.WriteString(line)
		}
	}
	return b.writeLists(map[string]string{"plain": plain.String(), "signed": signed.String()})
}

func (b *bench) writeLists(lists map[string]string) error {
	for name, text := range lists {
		if text == "" {
			return fmt.Errorf("cannot measure: no %s name is found by all servers", name)
		}
		if err := os.WriteFile(b.path(name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("cannot write the questions: %w", err)
		}
	}
	return nil
}

func isAddress(q zone.Question) bool {
	return (q.Type == dns.TypeA || q.Type == dns.TypeAAAA) && !strings.Contains(q.Name, "*")
}

// found says whether every server answers a question; their caches are warm
// after it.
func (b *bench) found(ctx context.Context, q zone.Question) bool {
	m := new(dns.Msg)
	m.SetQuestion(q.Name, q.Type)
	m.SetEdns0(1232, true)
	for _, v := range b.servers {
		reply, _, err := new(dns.Client).ExchangeContext(ctx, m, v.address+":53")
		if err != nil || reply.Rcode != dns.RcodeSuccess {
			return false
		}
	}
	return true
}
