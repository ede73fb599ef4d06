package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/sim"
)

const simulateUsage = `Usage: holdfast simulate [OPTION…] FILE…

Runs the nodes of a cluster on virtual time and a simulated network, from their
configurations, under a script of what befalls them; says who is master when,
and for how long addresses are served by nobody or by two. It needs neither
root nor the machines.

      --script=FILE   what happens; - is standard input. Without it: the master
                      is killed and started again
      --seed=N        of chance: loss, jitter and duplicates of a link (1)
  -i, --config-id=ID  for lines that begin with @ID; the host's name by default.
                      Given several times, one file is several nodes
  -v, --verbose       also show adverts and announcements

A node is called as its file is without .conf, or by its config id, or by its
router_id. A script has one command a line, # begins a comment:

  run TIME                     let time pass
  kill NODE                    the machine dies without a word
  stop NODE, start NODE        in an orderly way; with an empty memory
  crash NODE                   its process dies and is replaced at once
  pause NODE TIME              the process does not run; packets wait for it
  suspend NODE TIME            the machine does not run; packets are lost
  down NODE KIND NAME [WHY]    something tracked, such as interface eth0 or
  up NODE KIND NAME            script chk_web, process web or bfd path
  cut NODE [[->] NODE]         from everybody, from each other, or one way
  heal                         the end of every cut
  link OPTION…                 delay TIME, jitter TIME, loss PERCENT, duplicate PERCENT
  drift NODE PPM               its clock is too fast
  expect NODE[.INSTANCE] STATE active, backup, fault, init or dead
  expect unserved at most TIME of each address, since the beginning
  expect twice at most TIME

NODE may be master, which is active in the first virtual router, or killed, the
last that was.

Exit status: 0, 1 an expectation does not hold, 2 a file cannot be read or run.
`

// simulateFlags are the options of `holdfast simulate`.
type simulateFlags struct {
	script        string
	seed          uint64
	ids           []string
	verbose, help bool
}

// simulate is `holdfast simulate FILE…`.
func simulate(t terminal, args []string) int {
	var f simulateFlags
	set := newOptions(t, "simulate")
	set.StringVar(&f.script, "script", "", "")
	set.Uint64Var(&f.seed, "seed", 1, "")
	set.StringArrayVarP(&f.ids, "config-id", "i", []string{hostID()}, "")
	set.BoolVarP(&f.verbose, "verbose", "v", false, "")
	set.BoolVarP(&f.help, "help", "h", false, "")
	if code, done := parse(t, set, args, &f.help, simulateUsage); done {
		return code
	}
	if set.NArg() == 0 {
		fmt.Fprint(t.err, simulateUsage)
		return exitUnread
	}
	code, err := f.run(t, set.Args())
	if err != nil {
		fmt.Fprintf(t.err, "holdfast simulate: %v\n", err)
	}
	return code
}

func (f *simulateFlags) run(t terminal, files []string) (code int, err error) {
	members, err := f.members(files)
	if err != nil {
		return exitUnread, err
	}
	w := sim.New(f.seed)
	if err := w.Join(members); err != nil {
		return exitUnread, err
	}
	script, name := ordinary(w.Patience()), "the script"
	if f.script != "" {
		if script, err = readScript(t, f.script); err != nil {
			return exitUnread, err
		}
		name = f.script
	}
	if f.verbose {
		script = "show adverts\nshow announcements\n" + script
	}
	err = w.Play(script)
	fmt.Fprint(t.out, w.Transcript())
	if err != nil {
		return exitUnread, fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(t.out, "\n%s", w.Summary())
	if n := w.Broken(); n > 0 {
		return exitProblems, fmt.Errorf("%s not hold", diag.Counted(n, "expectation")+map[bool]string{true: " does", false: " do"}[n == 1])
	}
	return exitFine, nil
}

// ordinary is the script of those who bring none.
func ordinary(patience time.Duration) string {
	return fmt.Sprintf("run %v\nkill master\nrun %v\nstart killed\nrun %v\n", patience, patience, patience)
}

// maxScript bounds a script, in bytes.
const maxScript = 1 << 20

func readScript(t terminal, name string) (string, error) {
	from := t.in
	if name != "-" {
		file, err := os.Open(filepath.Clean(name))
		if err != nil {
			return "", err
		}
		defer file.Close()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, maxScript+1))
	if err == nil && len(text) > maxScript {
		err = fmt.Errorf("%s: more than %d bytes", name, maxScript)
	}
	return string(text), err
}

// members loads every file, under every id.
func (f *simulateFlags) members(files []string) (all []sim.Member, err error) {
	for _, file := range files {
		for _, id := range f.ids {
			cfg, found := conf.Load(disk, file, conf.Options{ConfigID: id, Env: os.Getenv, Dir: absolute(".")})
			for i := range found {
				if found[i].Severity == diag.Fatal {
					return nil, fmt.Errorf("%s: %s", file, found[i].Message)
				}
			}
			m := sim.Member{Name: strings.TrimSuffix(filepath.Base(file), ".conf"), VRRP: build.FromVRRP(cfg), BFD: build.FromBFD(cfg)}
			if len(f.ids) > 1 {
				m.Name = id
			}
			if len(m.VRRP.Routers) == 0 {
				return nil, fmt.Errorf("%s has no vrrp_instance for %s", file, m.Name)
			}
			m.Aliases = append(m.Aliases, cfg.Global.RouterID)
			all = append(all, m)
		}
	}
	distinguish(all, files)
	return all, nil
}

// distinguish gives nodes other names if several are called the same: by their
// router_id, or by the folder of their file, or else by a number.
func distinguish(all []sim.Member, files []string) {
	ids := len(all) / len(files)
	for _, name := range []func(i int) string{
		func(i int) string { return all[i].Name },
		func(i int) string { return all[i].Aliases[0] },
		func(i int) string { return filepath.Base(filepath.Dir(absolute(files[i/ids]))) },
		func(i int) string { return fmt.Sprintf("node%d", i+1) },
	} {
		seen := map[string]bool{"": true}
		names := make([]string, len(all))
		for i := range all {
			names[i] = strings.Join(strings.Fields(name(i)), "_")
			if seen[names[i]] {
				names = nil
				break
			}
			seen[names[i]] = true
		}
		if names == nil {
			continue
		}
		for i := range all {
			all[i].Name = names[i]
		}
		return
	}
}
