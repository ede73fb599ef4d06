package uml_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

const (
	// calls is where the scripts note that they ran.
	calls = "/run/calls"
	call  = "/run/call"
	// quiet is how long nothing changes when the referee has done everything;
	// its checks are half a second apart.
	quiet = 1500 * time.Millisecond
	// slow is how much longer that is at the start, and for us, of whom it is
	// known what is to come.
	slow = 4
)

// seen is what there is to compare after one step: for each case the lines of
// ipvsadm -Sn and what its scripts noted.
type seen map[int][]string

// TestGuestCases gives all cases in one file to keepalived and then to
// holdfast: table and scripts must be the same, case by case, at the start,
// while real servers fail and return, after a reload, and at the stop.
func TestGuestCases(t *testing.T) {
	if _, err := exec.LookPath(referee); err != nil {
		t.Skip(err)
	}
	// port 0 of a sorry server is the virtual server's to the kernel.
	mayDiffer := strings.NewReplacer("-r 127.0.0.99:0 -m", "-r 127.0.0.99:80 -m")
	us := os.Getenv(labtest.BinaryEnv)
	all := cases()
	before, after := configuration(all, false), configuration(all, true)
	t.Setenv(labtest.BinaryEnv, referee)
	want, names := walk(t, before, after, nil, nil)
	t.Setenv(labtest.BinaryEnv, us)
	for _, s := range want {
		for i := range s {
			for n := range s[i] {
				s[i][n] = mayDiffer.Replace(s[i][n])
			}
		}
	}
	end := len(want) - 1
	for i := range want[end] { // keepalived forgets some of a group that changed
		want[end][i] = slices.DeleteFunc(want[end][i], func(s string) bool { return strings.HasPrefix(s, "-") })
	}
	for k := range want {
		if strings.Contains(names[k], "after a reload") {
			for i, c := range all {
				if c.bug != "" {
					want[k][i] = nil
				}
			}
		}
	}
	have, _ := walk(t, before, after, want, func(i int) bool { return i >= 0 && all[i].bug != "" })
	for _, lines := range have[end] {
		for _, line := range lines {
			if strings.HasPrefix(line, "-") {
				t.Errorf("left after the stop: %s", line)
			}
		}
	}
	for i, c := range all {
		t.Run(c.name, func(t *testing.T) {
			something := 0
			for k := range want {
				if c.bug != "" && strings.Contains(names[k], "after a reload") {
					t.Logf("%s, keepalived is not compared with: %s", names[k], c.bug)
					continue
				}
				something += len(want[k][i])
				if !slices.Equal(want[k][i], have[k][i]) {
					t.Errorf("%s, keepalived has\n  %s\nand we have\n  %s", names[k], strings.Join(want[k][i], "\n  "), strings.Join(have[k][i], "\n  "))
				}
			}
			if something == 0 {
				t.Error("keepalived makes nothing of it")
			}
		})
	}
	for k := range want {
		if len(want[k][-1])+len(have[k][-1]) > 0 {
			t.Errorf("%s, of no case: keepalived %q, we %q", names[k], want[k][-1], have[k][-1])
		}
	}
}

// configuration is one file of all cases.
func configuration(all []aCase, after bool) string {
	var b strings.Builder
	b.WriteString("global_defs {\n    script_user root\n}\n")
	for i, c := range all {
		text := c.text
		if after {
			text = c.then
		}
		b.WriteString(strings.NewReplacer(
			"VIP6", fmt.Sprintf("2001:db8:77:%x::1", i), "VIP", fmt.Sprintf("10.77.%d.1", i),
			"MARK", strconv.Itoa(i+1), "GROUP", fmt.Sprintf("g%d", i), "CALL", fmt.Sprintf("%s %d", call, i),
		).Replace(text))
	}
	return b.String()
}

// walk is one daemon's way through it. If it is known what ought to be seen,
// each step ends with that, but for the cases apart of which it is not.
func walk(t *testing.T, before, after string, want []seen, apart func(i int) bool) (all []seen, names []string) {
	w := newWorld(t)
	for _, a := range []string{"fd00::11/128", "fd00::12/128", "fd00::13/128"} {
		w.run("ip", "addr", "replace", a, "dev", "lo", "nodad")
	}
	if err := os.WriteFile(call, []byte("#!/bin/sh\necho \"$@\" >>"+calls+"\n"), 0o755); err != nil { // it is run
		t.Fatal(err)
	}
	if err := os.WriteFile(calls, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a, b, c := []string{"127.0.0.11:8080", "[fd00::11]:8080"}, []string{"127.0.0.12:8080", "[fd00::12]:8080"}, []string{"127.0.0.13:8080", "[fd00::13]:8080"}
	w.serve(slices.Concat(a, b, c)...)
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"at the start", func() { w.configure(before); w.start(); w.says("Startup complete") }},
		{"with the first failed", func() { w.fail(a...) }},
		{"with the second failed too", func() { w.fail(b...) }},
		{"with all failed", func() { w.fail(c...) }},
		{"with the first back", func() { w.serve(a...) }},
		{"with all back", func() { w.serve(slices.Concat(b, c)...) }},
		{"after a reload", func() {
			w.configure(after)
			w.signal(syscall.SIGHUP)
			w.wait("the reload is done", func() bool { return w.log.says("Reload complete") || w.log.says("Reloaded; checking") })
		}},
		{"with all failed after a reload", func() { w.fail(slices.Concat(a, b, c)...) }},
		{"after the stop", func() { w.stop() }},
	} {
		if err := os.Truncate(calls, 0); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		step.do()
		var known seen
		if want != nil {
			known = want[len(all)]
		}
		all, names = append(all, w.rest(known, len(all) == 0, apart)), append(names, step.name)
		t.Logf("%s: %v", step.name, time.Since(began).Round(time.Millisecond))
	}
	w.run("ipvsadm", "-C")
	return all, names
}

// rest waits until nothing changes any more, or what is known to come is there.
// It looks when what a glance shows has stood still for two of them: a look is
// dear.
func (w *world) rest(want seen, start bool, apart func(int) bool) seen {
	w.t.Helper()
	pause := quiet
	if start || want != nil {
		pause *= slow
	}
	var last seen
	glances, since, looked := "", time.Now(), time.Time{}
	for end := time.Now().Add(labtest.Patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if now := glance() + notes(); now != glances {
			glances, since, looked = now, time.Now(), time.Time{}
			continue
		}
		rests := time.Since(since) > pause
		if !rests && (want == nil || time.Since(looked) < unseen) {
			continue
		}
		now := w.look()
		looked = time.Now()
		switch {
		case want != nil && equal(now, want, apart):
			return now
		case rests && last != nil && equal(now, last, nil):
			return now
		case rests: // what a glance does not show has its time, too
			last, since = now, time.Now().Add(unseen-pause)
		}
	}
	w.t.Fatal("it does not come to rest")
	return nil
}

func equal(a, b seen, apart func(int) bool) bool {
	for _, m := range []seen{a, b} {
		for i := range m {
			if !slices.Equal(a[i], b[i]) && (apart == nil || !apart(i) || a[i] != nil && b[i] != nil) {
				return false
			}
		}
	}
	return true
}

var ofCase = regexp.MustCompile(`^-[aA] \S+ (?:10\.77\.(\d+)\.|\[2001:db8:77:([0-9a-f]+):|(\d+) )`)

// look reads the table and the scripts' notes, by case; -1 is none.
func (w *world) look() seen {
	s := seen{}
	for _, line := range w.table() {
		i := -1
		if m := ofCase.FindStringSubmatch(line); m != nil {
			switch {
			case m[1] != "":
				i, _ = strconv.Atoi(m[1])
			case m[2] != "":
				n, _ := strconv.ParseInt(m[2], 16, 32)
				i = int(n)
			default:
				i, _ = strconv.Atoi(m[3])
				i--
			}
		}
		s[i] = append(s[i], line)
	}
	lines := strings.Split(strings.TrimSpace(notes()), "\n")
	slices.Sort(lines)
	for _, line := range lines {
		if number, what, ok := strings.Cut(line, " "); ok {
			i, _ := strconv.Atoi(number)
			s[i] = append(s[i], "script "+what)
		}
	}
	return s
}

// notes is what the scripts noted.
func notes() string {
	b, _ := os.ReadFile(calls)
	return string(b)
}
