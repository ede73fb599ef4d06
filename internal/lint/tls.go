package lint

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// tlsRules look at what checks over TLS read from files.
var tlsRules = []Rule{
	{
		ID: "HF139", Severity: diag.Warning, Title: "A TLS file that is no use",
		Explanation: `A check over TLS whose authorities, certificate or key cannot be read (the file is missing, is no PEM, the password is
wrong, or the key is another certificate's) fails at each attempt, and its server gets no traffic. The file is read anew when
it changes. It is told at each start and reload too. This machine is looked at; check --elsewhere does not, for the
configuration of another one.`,
		file: brokenTLS,
	},
}

// TLSFiles reads what a check over TLS would read, and says what is wrong with
// which of the files, "ca", "certificate" or "key".
type TLSFiles func(t conf.TLS) (file string, err error)

// AtStart is what Run says of files without which checks cannot be made; a
// daemon tells it each time it reads its configuration.
func AtStart(c *conf.Config, opt Options) diag.List {
	if !secured(c) {
		return nil
	}
	r := reporter{text: newText(opt.Files), rule: ruleOf("HF139")}
	brokenTLS(&subject{Config: c, tls: opt.TLS}, r.say)
	return r.done()
}

// secured reports whether anything names files of TLS.
func secured(c *conf.Config) (found bool) {
	tlsBlocks(c, func(_ conf.Pos, _ string, t conf.TLS) { found = found || t.CA != "" || t.Certificate != "" })
	return found
}

// tlsBlocks calls f for each block that may name files, with where it is and
// what its keywords begin with.
func tlsBlocks(c *conf.Config, f func(at conf.Pos, prefix string, t conf.TLS)) {
	if s := c.SSL; s != nil {
		f(s.Pos, "", conf.TLS{CA: s.CA, Certificate: s.Certificate, Key: s.Key, Password: s.Password})
	}
	for _, v := range c.VirtualServers {
		for _, r := range v.Servers {
			for _, k := range r.Checkers {
				switch {
				case k.HTTP != nil && k.HTTP.TLS:
					f(k.Pos, "tls_", k.HTTP.Secure)
				case k.GRPC != nil && k.GRPC.TLS:
					f(k.Pos, "tls_", k.GRPC.Secure)
				case k.Expect != nil && k.Expect.TLS:
					f(k.Pos, "tls_", k.Expect.Secure)
				}
			}
		}
	}
}

// brokenTLS reads the files of each set once.
func brokenTLS(s *subject, say sayer) {
	if s.tls == nil {
		return
	}
	type answer struct {
		file string
		err  error
	}
	known := map[conf.TLS]answer{}
	tlsBlocks(s.Config, func(at conf.Pos, prefix string, t conf.TLS) {
		set := conf.TLS{CA: t.CA, Certificate: t.Certificate, Key: t.Key, Password: t.Password}
		if t.CA == "" && t.Certificate == "" {
			return
		}
		a, asked := known[set]
		if !asked {
			a.file, a.err = s.tls(set)
			known[set] = a
		}
		if a.err != nil {
			say(finding{pos: at, keyword: prefix + a.file, expected: expectedOf(a.file), message: fmt.Sprintf("checks cannot be made: %v", a.err)})
		}
	})
}

func expectedOf(keyword string) string {
	switch keyword {
	case "ca":
		return "a file of certificates in PEM"
	case "certificate":
		return "a certificate in PEM"
	case "key":
		return "the key of the certificate, in PEM"
	}
	return ""
}
