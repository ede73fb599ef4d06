// Package referee runs Debian's keepalived on small files and compares what it
// read with what is read here. keepalived names every statement that it does
// not know, and every brace; of files with nothing but unknown statements that
// shows how it splits text into lines, words and blocks.
package referee

import (
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// count is how many random files each test tries; FILES sets another number.
func count() int {
	n := 60
	_, _ = fmt.Sscan(os.Getenv("FILES"), &n)
	return n
}

func keepalived(t *testing.T) string {
	path, err := exec.LookPath("keepalived")
	if err != nil {
		t.Skip("no keepalived to compare with:", err)
	}
	if out, _ := exec.Command(path, "--version").CombinedOutput(); !strings.Contains(string(out), "v2.2.") { // as found
		t.Skip("this keepalived is not 2.2, which the comparison is with")
	}
	return path
}

// Plain text: words, quotes, comments, escapes, conditions, braces anywhere.
func TestText(t *testing.T) {
	pieces := []string{"foo", "bar ", " ", " x ", "{ ", "} ", `"`, "#", `\ `, "!", `\#`, `\"`, `"a b"`, "'c d'", "@vm ", "@^vm ", "@x ", "@^x ", "\t"}
	compare(t, func(r *rand.Rand) string {
		var b strings.Builder
		for range 1 + r.Intn(8) {
			for range 1 + r.Intn(6) {
				b.WriteString(pieces[r.Intn(len(pieces))])
			}
			b.WriteString("\n")
		}
		return b.String()
	})
}

// Definitions, sequences and lists; no brace without its match, since places
// say nothing about the order here.
func TestExpansion(t *testing.T) {
	compare(t, func(r *rand.Rand) string {
		g := generator{r: r}
		for range 2 + r.Intn(6) {
			g.line()
		}
		return g.b.String()
	})
}

// generator makes lines whose definitions use only earlier ones.
type generator struct {
	r *rand.Rand
	b strings.Builder
	n int // definitions so far
}

func (g *generator) pick(from ...string) string { return from[g.r.Intn(len(from))] }

func (g *generator) line() {
	switch g.r.Intn(7) {
	case 0:
		fmt.Fprintf(&g.b, "$D%d=%s\n", g.n, g.pick("x", "x y", `"q r"`, "1", "", "@x z"))
		g.n++
	case 1:
		fmt.Fprintf(&g.b, "$D%d= \\\n  foo a \\\n", g.n)
		for range g.r.Intn(3) {
			l := g.pick("  @vm bar", "  @x baz", "  k { z }", "  $V=7", "  w", `  q "a b"`, "  # c", "  t # c")
			if g.n > 0 && g.r.Intn(4) == 0 {
				l = fmt.Sprintf("  u $D%d", g.r.Intn(g.n))
			}
			g.b.WriteString(l + " \\\n")
		}
		g.b.WriteString("  end\n")
		g.n++
	case 2:
		fmt.Fprintf(&g.b, "~SEQ%s(S%d, %d, %d) ", g.pick("", "x"), g.n, g.r.Intn(5), g.r.Intn(14))
		if g.n == 0 || g.r.Intn(2) == 0 {
			fmt.Fprintf(&g.b, "s${S%d}t\n", g.n)
		} else {
			fmt.Fprintf(&g.b, "k $D%d\n", g.r.Intn(g.n))
		}
		g.n += 2 // the variable itself is none of the definitions
		fmt.Fprintf(&g.b, "$D%d=a\n$D%d=b\n", g.n-2, g.n-1)
	case 3:
		fmt.Fprintf(&g.b, "~LST({L%d,M%d}, {1,2}, {x,y}, {a}) l${L%d}m${M%d}\n", g.n, g.n, g.n, g.n)
	case 4:
		fmt.Fprintf(&g.b, "%sfoo%d { bar } # c\n", g.pick("", "@vm ", "@x ", "@^vm ", "@^x ", "  "), g.r.Intn(9))
	default:
		if g.n == 0 {
			g.b.WriteString("plain\n")
			return
		}
		fmt.Fprintf(&g.b, g.pick("k $D%d\n", "k ${D%d}\n", "@vm k $D%d\n", "l ${D%d}\n"), g.r.Intn(g.n))
	}
}

func compare(t *testing.T, generate func(*rand.Rand) string) {
	daemon := keepalived(t)
	name := filepath.Join(t.TempDir(), "k.conf")
	compared := 0
	for seed := range count() {
		text := generate(rand.New(rand.NewSource(int64(seed)))) // a test's
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want, ok := theirs(daemon, name)
		if !ok {
			t.Logf("seed %d: keepalived did not end well", seed)
			continue
		}
		if got := ours(text); !slices.Equal(got, want) {
			t.Errorf("seed %d\n%s\ngot  %.500q\nwant %.500q", seed, text, got, want)
		}
		compared += len(want)
	}
	if compared == 0 {
		t.Error("nothing was compared: keepalived's words for an unknown keyword are others now")
	}
	t.Logf("%d files, %d statements and braces", count(), compared)
}

// named are the statements and braces that keepalived complains about. Its
// children read the file again and say the file's name, too.
var named = regexp.MustCompile(`(?m)^(?:\(Line \d+\) )?(?:Unknown keyword '(.*)'|Unexpected '(\{)')`)

func theirs(daemon, name string) (list []string, ok bool) {
	cmd := exec.Command(daemon, "-t", "-i", "vm", "-f", name) // the referee
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || exit != nil && exit.ExitCode() != 5 {
		return nil, false
	}
	for _, m := range named.FindAllStringSubmatch(string(out), -1) {
		list = append(list, m[1]+m[2])
	}
	return list, true
}

// one is a disk with one file.
type one string

func (o one) Read(string) ([]byte, error)   { return []byte(o), nil }
func (o one) Glob(string) ([]string, error) { return nil, nil }

// mark is a statement or a brace, and where it is.
type mark struct {
	line, col int32
	text      string
}

func ours(text string) []string {
	var marks []mark
	stray := false
	r := syntax.NewReader(one(text), "k.conf", expand.Options{ConfigID: "vm"}, func(d diag.Diagnostic) {
		if d.ID == "HF003" {
			stray = true
			marks = append(marks, mark{int32(d.Span.Line), int32(d.Span.Col), d.Source[d.Span.Col-1 : d.Span.Col]})
		}
	})
	for {
		n, ok := r.Next()
		if !ok {
			break
		}
		marks = flatten(marks, n)
	}
	if stray {
		slices.SortStableFunc(marks, func(a, b mark) int {
			if a.line != b.line {
				return int(a.line - b.line)
			}
			return int(a.col - b.col)
		})
	}
	list := make([]string, len(marks))
	for i := range marks {
		list[i] = marks[i].text
	}
	return list
}

func flatten(marks []mark, n *syntax.Node) []mark {
	k := n.Keyword()
	marks = append(marks, mark{k.At.Line, k.At.Col, k.Text})
	if !n.Opened {
		return marks
	}
	last := n.Words[len(n.Words)-1].At
	marks = append(marks, mark{last.Line, last.Col, "{"})
	for i := range n.Block {
		marks = flatten(marks, &n.Block[i])
	}
	if n.End.Line > 0 {
		marks = append(marks, mark{n.End.Line, n.End.Col, "}"})
	}
	return marks
}
