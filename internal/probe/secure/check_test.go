package secure_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

// Each way in which files can be of no use is told, with the file that is.
func TestCheckFiles(t *testing.T) {
	ca := probetest.NewAuthority(t)
	cert, key := ca.IssueFiles(t, probetest.Certificate{Names: []string{"one"}})
	_, other := ca.IssueFiles(t, probetest.Certificate{Names: []string{"two"}})
	dir := t.TempDir()
	put := func(name string, parts ...string) string {
		var text []byte
		for _, p := range parts {
			b, err := os.ReadFile(p)
			if err != nil {
				b = []byte(p)
			}
			text = append(text, b...)
		}
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	junk, both, missing := put("junk", "no PEM at all\n"), put("both", cert, key), filepath.Join(dir, "missing")
	torn := put("torn", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	for name, c := range map[string]struct {
		ca, cert, key   string
		file, complaint string
	}{
		"nothing":                {"", "", "", "", ""},
		"all well":               {ca.File, cert, key, "", ""},
		"one file for both":      {"", both, "", "", ""},
		"no authorities":         {missing, cert, key, "ca", "no such file"},
		"authorities without":    {junk, cert, key, "ca", "no certificate in"},
		"a folder":               {dir, "", "", "ca", "is a directory"},
		"no certificate":         {"", missing, key, "certificate", "no such file"},
		"certificate without":    {"", junk, key, "certificate", "no certificate in"},
		"a torn certificate":     {"", torn, key, "certificate", "no certificate in"},
		"a key in its place":     {"", key, key, "certificate", "no certificate in"},
		"no key":                 {"", cert, missing, "key", "no such file"},
		"a key without":          {"", cert, junk, "key", "PEM data in key"},
		"a key of another":       {"", cert, other, "key", "does not match"},
		"certificate, and alone": {"", cert, "", "certificate", "private key"},
	} {
		file, err := secure.Check(c.ca, c.cert, c.key, "")
		if file != c.file || (err != nil) != (c.complaint != "") || err != nil && !strings.Contains(err.Error(), c.complaint) {
			t.Errorf("%s: %q, %v", name, file, err)
		}
	}
}
