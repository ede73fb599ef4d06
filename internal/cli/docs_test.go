package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is a page of docs, or the README.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// examples are the fenced blocks of a page.
func examples(page string) (out []string) {
	for i, part := range strings.Split("\n"+page, "\n```") {
		if i%2 == 1 {
			_, body, _ := strings.Cut(part, "\n") // without the language
			out = append(out, body+"\n")
		}
	}
	return out
}

func output(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(append([]string{"holdfast"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// webNode is a node of docs/simulate.md.
func webNode(name, priority string) string {
	return `global_defs {
    router_id ` + name + `
}
vrrp_script chk_web {
    script /usr/bin/true
}
vrrp_instance web {
    interface eth0
    virtual_router_id 51
    priority ` + priority + `
    virtual_ipaddress {
        192.0.2.100
    }
    track_script {
        chk_web
    }
}
`
}

// What docs/simulate.md shows is what comes out, to the letter; "…" is left out.
func TestSimulateAsDocumented(t *testing.T) {
	blocks := examples(document(t, "docs/simulate.md"))
	if len(blocks) < 3 {
		t.Fatalf("%d examples", len(blocks))
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"a.conf": webNode("a", "150"), "b.conf": webNode("b", "100"), "failover.txt": blocks[2]} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commands := strings.Split(strings.TrimSpace(blocks[0]), "\n")
	for _, c := range commands {
		code, out, errs := output(strings.Fields(c)[1:]...)
		if code != 0 {
			t.Errorf("%s: exit status %d: %s%s", c, code, out, errs)
		}
		if c != commands[0] {
			continue
		}
		for piece := range strings.SplitSeq(blocks[1], "…") {
			if piece = strings.TrimSpace(piece); !strings.Contains(out, piece) {
				t.Errorf("%s prints\n%s\nand not\n%s", c, out, piece)
			}
		}
	}
}

// Every command in a page's examples is one that there is, with options that it has.
func TestDocumentedCommandsExist(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages", err)
	}
	commandLine := regexp.MustCompile(`(?m)^(?:\$ |# )?(?:sudo )?holdfast ([a-z]+)( [^|>#\n]*)?`)
	longOption := regexp.MustCompile(`\s(--[a-z][a-z-]*)`)
	seen := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range examples(string(text)) {
			for _, m := range commandLine.FindAllStringSubmatch(block, -1) {
				seen++
				code, help, errs := output(m[1], "--help")
				if code != 0 {
					t.Errorf("%s: holdfast %s: %s", page, m[1], errs)
					continue
				}
				if sub := strings.Fields(m[2] + " -"); !strings.HasPrefix(sub[0], "-") {
					if code, more, _ := output(m[1], sub[0], "--help"); code == 0 { // of a command in parts
						help += more
					}
				}
				for _, o := range longOption.FindAllStringSubmatch(m[2], -1) {
					if !slices.Contains(strings.FieldsFunc(help, func(r rune) bool { return strings.ContainsRune(" \n,=[]|():;.", r) }), o[1]) {
						t.Errorf("%s: holdfast %s has no %s:\n%s", page, m[1], o[1], help)
					}
				}
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d commands are looked at", seen)
	}
}
