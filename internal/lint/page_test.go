package lint

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

const page = "../../docs/lints.md"

const intro = `# What ` + "`holdfast check`" + ` knows beside the language

<!-- Made from the rules and examples of internal/lint: go test ./internal/lint -update -->

` + "`holdfast check FILE…`" + ` says first what keepalived's own test (` + "`keepalived -t`" + `) would complain about: those are errors, and the exit status is 1.
The rules on this page look at what is accepted and still was hardly meant. In one file they give warnings and notices, which leave the exit status 0, unless ` + "`--strict`" + ` is given: then warnings count. ` + "`--no-lint`" + ` turns them off.

Several files are taken for the nodes of one cluster and held against each other. There, what lets two nodes hold an address at the same time is an error. ` + "`--no-cluster`" + ` judges each file alone. In the end it is said who wins each virtual router. Where one file serves all nodes, with lines for each behind ` + "`@ID`" + `, say ` + "`-i`" + ` for every node: ` + "`holdfast check -i node1 -i node2 FILE`" + `.

` + "`holdfast check --explain HF104`" + ` prints what this page says of a rule; ` + "`--json`" + ` and ` + "`--sarif`" + ` are for programs.

## Silencing

A comment at the end of the line that a finding points to, or on a line of its own above it, silences it there. Several ids have commas between them; what follows is for people.

    advert_int 5          # holdfast: ignore HF107

    ! holdfast: ignore HF127, HF128 the other one is disabled
    virtual_server fwmark 7 {

Errors that keepalived has, too, cannot be silenced; its warnings and notices can.
`

// document makes the page of rules and examples.
func document(t *testing.T) []byte {
	var b strings.Builder
	b.WriteString(intro)
	for _, part := range []struct {
		title string
		rules []Rule
	}{
		{"Virtual routers", vrrpRules}, {"Virtual servers", lvsRules}, {"Pools", poolRules}, {"Directors", directorRules}, {"TLS", tlsRules}, {"Privileges", privilegeRules}, {"The embedded director", proxyRules}, {"Real servers", serverRules}, {"Several nodes", clusterRules},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n", part.title)
		for _, r := range part.rules {
			fmt.Fprintf(&b, "- [%s](#%s) %s\n", r.ID, strings.ToLower(r.ID), r.Title)
		}
		for _, r := range part.rules {
			fmt.Fprintf(&b, "\n### %s\n\n**%s.** (%s)\n%s\n", r.ID, r.Title, r.Severity, r.Explanation)
			section(t, &b, r.ID)
		}
	}
	b.WriteString(outro)
	return []byte(b.String())
}

// outro is about what conf finds, because keepalived finds it, too.
const outro = `
## Said by the language itself

These are errors or warnings of keepalived's, so they are no rules of this page; ` + "`--explain`" + ` knows them as well.

- HF011 a weight, priority or any other value outside its range
- HF019 a password longer than the 8 characters that version 2 sends
- HF022 the same virtual_router_id twice on one interface
- HF027 a script that is missing or not executable or, with enable_script_security, can be changed by others than root
- HF036 nopreempt together with state MASTER
- HF039 authentication with version 3
- HF040 a quorum that the weights cannot reach
- HF043 weights in members of a sync group, or at priority 255
`

func section(t *testing.T, b *strings.Builder, id string) {
	for _, f := range example(t, id).Files {
		if f.Name == "want" {
			fmt.Fprintf(b, "\n%s", indent(strings.ReplaceAll(string(f.Data), "bad/", "")))
		}
	}
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + line)
	}
	return b.String()
}

func TestDocumentation(t *testing.T) {
	want := document(t)
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range Rules() {
		if !bytes.Contains(want, []byte("### "+r.ID+"\n")) {
			t.Errorf("%s is on no part of the page", r.ID)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil || !bytes.Equal(have, want) {
		t.Errorf("docs/lints.md is not what the rules say; run go test ./internal/lint -update (%v)", err)
	}
}

func TestTable(t *testing.T) {
	last := ""
	for _, r := range Rules() {
		if r.ID <= last || len(r.ID) != 5 {
			t.Errorf("%s after %s", r.ID, last)
		}
		last = r.ID
		n := 0
		for _, is := range []bool{r.file != nil, r.router != nil, r.nodes != nil} {
			if is {
				n++
			}
		}
		if n != 1 || r.Title == "" || strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(r.Explanation, ".") {
			t.Errorf("%s: %d functions, %q, %q", r.ID, n, r.Title, r.Explanation)
		}
		for line := range strings.Lines(r.Explanation) {
			if len([]rune(line)) > 140 {
				t.Errorf("%s: a line of %d characters", r.ID, len([]rune(line)))
			}
		}
		if s, ok := Explain(strings.ToLower(r.ID)); !ok || !strings.HasPrefix(s, r.Title) {
			t.Errorf("%s is not explained", r.ID)
		}
	}
	if _, ok := Explain("HF010"); ok {
		t.Error("HF010 is conf's")
	}
}
