package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/lint"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// desk is a disk of a few files, k.conf and those that it includes.
type desk map[string]string

func (d desk) Read(name string) ([]byte, error) {
	if text, ok := d[name]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

func (d desk) Glob(pattern string) (names []string, err error) {
	for _, n := range []string{"b.conf", "c.conf"} {
		if ok, _ := filepath.Match(pattern, n); ok && d[n] != "" {
			names = append(names, n)
		}
	}
	return names, nil
}

// told is all that a reader says of a configuration.
type told struct {
	report parent.Report
	set    []byte
	left   int // services that were not read
}

// tell is a reader's work on a desk; q.Running nil: it reads everything.
func tell(q parent.LoadRequest, disk desk, running []byte) told {
	return (&reader{}).tell(q, disk, running)
}

func (p *reader) tell(q parent.LoadRequest, disk desk, running []byte) told {
	q = desked(q)
	n := next{LoadRequest: q, was: p.was, past: p.past, once: source.NewRecorder(disk), facts: conf.NewFacts(machine{})}
	n.load(running)
	n.found = append(n.found, lint.AtStart(n.cfg, lint.Options{Files: n.once, TLS: func(conf.TLS) (string, error) { return "ca", errors.New("is none") }})...)
	t := told{report: n.report()}
	if t.report.Fatal != "" {
		return t
	}
	set := n.once.Set()
	set.Facts = n.facts.Marshal()
	if running != nil {
		t.report.Reload = n.reloads()
	}
	t.set = set.Marshal()
	if n.delta != nil {
		t.left = n.delta.Services
	}
	return t
}

// desked is a request for what lies on a desk.
func desked(q parent.LoadRequest) parent.LoadRequest {
	q.ConfigFile, q.VRRP, q.Checkers, q.BFD = "k.conf", true, true, true
	return q
}

// machine has nothing but interfaces whose names begin with e.
type machine struct{}

func (machine) HostName() string           { return "here.example" }
func (machine) Interface(name string) bool { return strings.HasPrefix(name, "e") }
func (machine) User(string) bool           { return false }
func (machine) Group(string) bool          { return false }
func (machine) Program(string) conf.Program {
	return conf.Program{}
}

// editor makes another text of one.
type editor struct {
	*rand.Rand
	lines []string // of all the corpus
}

func (e *editor) edit(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for range 1 + e.IntN(2) {
		i, j := e.IntN(len(lines)), e.IntN(len(lines))
		switch e.IntN(9) {
		case 0, 1: // another number
			lines[i] = strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' && e.IntN(2) == 0 {
					return '1' + e.Int32N(3)
				}
				return r
			}, lines[i])
		case 2:
			lines = append(lines[:i:i], lines[i+1:]...)
			lines = append(lines, "")
		case 3:
			lines[i], lines[j] = lines[j], lines[i]
		case 4: // a line from elsewhere
			lines[i] += e.lines[e.IntN(len(e.lines))]
		case 5: // odd things
			odd := []string{"}", "{", "#", "! x", `"`, "$X=1\n", "$X", "${X}", "\\", "@other ", "@^other ", "~SEQ(a,2) ", "include b.conf\n", "\x00", "{{ x }}", "\n", "weight 3\n", "! holdfast: ignore HF033"}
			at := e.IntN(len(lines[i]) + 1)
			lines[i] = lines[i][:at] + odd[e.IntN(len(odd))] + lines[i][at:]
		default: // a block goes, comes, comes again or moves
			blocks := blocksOf(strings.Join(lines, ""))
			a, b := e.IntN(len(blocks)), e.IntN(len(blocks))
			switch e.IntN(6) {
			case 4: // one that shares a line with the next
				blocks[a] = strings.TrimSuffix(blocks[a], "\n") + []string{" ", "", "\t# x\n "}[e.IntN(3)]
			case 5: // one more of the same address
				blocks[a] += []string{" ", "\t", "x { } "}[e.IntN(3)] + blocks[b]
			case 0:
				blocks[a] = ""
			case 1:
				blocks[a] += blocks[b]
			case 2:
				blocks[a], blocks[b] = blocks[b], blocks[a]
			case 3:
				blocks[a] += "virtual_server 10.9.9." + string(rune('1'+e.IntN(9))) + " 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n real_server 10.1.1.1 80 {\n  TCP_CHECK {\n  }\n }\n}\n"
			}
			lines = strings.SplitAfter(strings.Join(blocks, ""), "\n")
		}
	}
	return strings.Join(lines, "")
}

// blocksOf cuts a text behind each line that is a closing brace and nothing else.
func blocksOf(text string) []string { return strings.SplitAfter(text, "\n}\n") }

// corpus are texts with virtual servers.
func corpus(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range []string{
		"../../test/values/testdata/lvs/*.conf", "../../test/uml/testdata/*.conf", "../../examples/lab/a.conf", "../conf/print/testdata/all.conf",
	} {
		names, _ := filepath.Glob(pattern)
		for _, n := range names {
			b, err := os.ReadFile(n)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(b))
		}
	}
	if len(all) < 10 {
		t.Fatalf("the corpus has %d texts", len(all))
	}
	return all
}

// farm is many plain virtual servers.
func farm(r *rand.Rand) string {
	var b strings.Builder
	for v := range 1 + r.IntN(9) {
		fmt.Fprintf(&b, "virtual_server 10.9.9.%d 80 {\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n", v+1)
		for s := range 1 + r.IntN(3) {
			fmt.Fprintf(&b, "    real_server 10.1.%d.%d 80 {\n        weight %d\n        %s {\n            connect_timeout 3\n        }\n    }\n", v, s+1, r.IntN(3),
				[]string{"TCP_CHECK", "PING_CHECK", "MISC_CHECK"}[r.IntN(16)/7])
		}
		b.WriteString("}\n" + []string{"", "\n", "# between\n", "! another {\n"}[r.IntN(4)])
	}
	return b.String()
}

// The reader that leaves out what is as it runs says exactly what one says that
// reads everything: the plan, the problems, the counts, and the same snapshot.
// So does the one of a start, which keeps no more than it needs.
func TestReloadsAreToldAlike(t *testing.T) {
	texts := corpus(t)
	e := &editor{Rand: rand.New(rand.NewPCG(1, 2))}
	for _, c := range texts {
		e.lines = append(e.lines, strings.SplitAfter(c, "\n")...)
	}
	rounds, short, planned, early := 150, 0, 0, 0
	for i := range rounds {
		disk := desk{"k.conf": farm(e.Rand)}
		for range e.IntN(3) {
			disk["k.conf"] += texts[e.IntN(len(texts))]
		}
		if e.IntN(3) == 0 {
			disk["k.conf"], disk["b.conf"] = "include b.*\n"+disk["k.conf"], farm(e.Rand)
		}
		have := tell(parent.LoadRequest{}, disk, nil)
		for range 2 { // the first of the two with edited text on both sides
			after := desk{}
			for n, text := range disk {
				after[n] = text
				if n == "k.conf" || e.IntN(2) == 0 {
					after[n] = e.edit(text)
				}
			}
			if have.set == nil { // it would not run
				have, disk = tell(parent.LoadRequest{}, after, nil), after
				continue
			}
			whole := tell(parent.LoadRequest{}, after, have.set)
			q := parent.LoadRequest{Running: parent.Known(have.report.Problems)}
			less := tell(q, after, have.set)
			a, b := asJSON(whole), asJSON(less)
			if a != b {
				t.Fatalf("round %d: all read\n%s\n%d services left out\n%s\nbefore\n%s\nafter\n%s", i, a, less.left, b, disk, after)
			}
			if i%4 == 0 {
				ready := prepared(q, have.set)
				if b := ready.tell(q, after, have.set); asJSON(b) != a || b.left != less.left {
					t.Fatalf("round %d: all read\n%s\nprepared, %d services left out, not %d\n%s\nbefore\n%s\nafter\n%s", i, a, b.left, less.left, asJSON(b), disk, after)
				}
				if ready.past != nil {
					early++
				}
			}
			if less.left > 0 {
				short++
				if len(less.report.Reload.Plan) > 0 {
					planned++
				}
			}
			have, disk = tell(parent.LoadRequest{}, after, nil), after
			whole.report.Reload = nil
			if a, b := asJSON(whole), asJSON(have); a != b {
				t.Fatalf("round %d: all kept\n%s\nat a start\n%s\n%s", i, a, b, after)
			}
		}
	}
	if short < rounds/4 || planned < rounds/8 || early < rounds/8 {
		t.Errorf("of %d reloads something was left out in %d, %d of these had a plan, and %d were prepared", 2*rounds, short, planned, early)
	}
	t.Logf("something was left out in %d, of which %d had a plan", short, planned)
}

// prepared is a reader that waits for a reload.
func prepared(q parent.LoadRequest, running []byte) *reader {
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // its process has no need of it
	p := &reader{}
	p.Prepare(desked(q), running)
	return p
}

func asJSON(t told) string {
	b, _ := json.MarshalIndent(t.report, "", " ")
	return string(b) + string(t.set)
}

// What a truncated file looks like, and what does not.
func TestBlank(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "\n \t\r\n": true, "\ufeff# later\n\n! keepalived\n": true, "global_defs\n": false, "# x\ninclude y\n": false,
	} {
		files := source.NewRecorder(memory{"k.conf": text})
		_, _ = files.Read("k.conf")
		if got := blank(files.Set()); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// memory are files by name.
type memory map[string]string

func (m memory) Read(name string) ([]byte, error) { return []byte(m[name]), nil }
func (m memory) Glob(string) ([]string, error)    { return nil, nil }
