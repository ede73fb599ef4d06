package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// command is one line of a script or of the terminal, read and checked.
type command struct {
	verb  string
	names []string      // nodes it is about
	fault Fault         // of fail
	what  string        // of expect: master, servers, served, outage, no outage
	limit time.Duration // of wait and expect
	text  string        // as written
	where string        // FILE:LINE, empty at the terminal
}

// unhurried is how long an expect without "within" may take to come true.
const unhurried = 5 * time.Second

// verb is a word that a line may begin with.
type verb struct {
	name, args, help string
	parse            func(*command, []string) error
}

// verbs are all of them, in the order in which help shows them.
var verbs = []verb{
	{"kill", "a|b", "SIGKILL the whole daemon: nothing is tidied up, nobody is told", oneOf(directorNames)},
	{"stop", "a|b", "SIGTERM: an orderly stop", oneOf(directorNames)},
	{"start", "a|b", "start a daemon that does not run", oneOf(directorNames)},
	{"reload", "a|b", "SIGHUP: read the configuration again", oneOf(directorNames)},
	{"cut", "NODE", "pull the node's cable; its interface loses the carrier", oneOf(nodeNames())},
	{"isolate", "NODE", "drop the node's frames; it cannot see that it is alone", oneOf(nodeNames())},
	{"heal", "NODE", "undo cut and isolate", oneOf(nodeNames())},
	{"fail", "SERVER [refuse|broken|hang]", "the server dies, answers 503, or never answers", parseFail},
	{"recover", "SERVER", "the server is well again", oneOf(backendNames())},
	{"status", "", "what is known now", none},
	{"log", "a|b", "the last lines of a daemon's log", oneOf(directorNames)},
	{"wait", "5s", "let time pass", parseWait},
	{"expect", "master a|b|none [within 5s]", "who serves the virtual address", parseExpect},
	{"expect", "servers s1 s3|none [within 5s]", "which real servers are in", nil},
	{"expect", "served NAME [within 5s]", "that server answers the client from now on", nil},
	{"expect", "outage < 5s", "no outage since the last such line was longer", nil},
	{"expect", "no outage", "since the last such line no request failed", nil},
	{"help", "", "this", none},
	{"quit", "", "end the lab and remove all it made", none},
}

func nodeNames() []string {
	return append(append([]string{"client"}, directorNames...), backendNames()...)
}

func backendNames() []string { return append([]string{demoSorry}, serverNames...) }

// help is the list of commands.
func help() string {
	var b strings.Builder
	for _, v := range verbs {
		fmt.Fprintf(&b, "  %-40s %s\n", strings.TrimSpace(v.name+" "+v.args), v.help)
	}
	return b.String()
}

// parse reads a line; one that is empty or all comment gives nil.
func parse(line string) (*command, error) {
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, nil
	}
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == words[0] })
	if i < 0 {
		return nil, fmt.Errorf("unknown command %q; help lists them", words[0])
	}
	c := &command{verb: words[0], text: strings.Join(words, " ")}
	if err := verbs[i].parse(c, words[1:]); err != nil {
		return nil, fmt.Errorf("%s: %w", c.text, err)
	}
	return c, nil
}

func none(_ *command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("takes no argument")
	}
	return nil
}

func oneOf(known []string) func(*command, []string) error {
	return func(c *command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("wants one of %s", strings.Join(known, ", "))
		}
		c.names = args
		return among(args, known)
	}
}

func among(args, known []string) error {
	for _, a := range args {
		if !slices.Contains(known, a) {
			return fmt.Errorf("%q is none of %s", a, strings.Join(known, ", "))
		}
	}
	return nil
}

func parseFail(c *command, args []string) error {
	c.fault = Refuse
	if len(args) == 2 {
		c.fault = Fault(args[1])
		if err := among(args[1:], []string{string(Refuse), string(Broken), string(Hang)}); err != nil {
			return err
		}
		args = args[:1]
	}
	return oneOf(backendNames())(c, args)
}

func parseWait(c *command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("wants a duration such as 5s")
	}
	return parseLimit(c, args[0])
}

func parseLimit(c *command, word string) (err error) {
	c.limit, err = time.ParseDuration(word)
	if err == nil && c.limit <= 0 {
		err = fmt.Errorf("%s is not above zero", word)
	}
	return err
}

// parseExpect reads what follows expect.
func parseExpect(c *command, args []string) error {
	if slices.Equal(args, []string{"no", "outage"}) {
		c.what = "no outage"
		return nil
	}
	if len(args) == 3 && args[0] == "outage" && args[1] == "<" {
		c.what = "outage"
		return parseLimit(c, args[2])
	}
	c.limit = unhurried
	if n := len(args); n > 2 && args[n-2] == "within" {
		if err := parseLimit(c, args[n-1]); err != nil {
			return err
		}
		args = args[:n-2]
	}
	if len(args) < 2 {
		return fmt.Errorf("wants master, servers, served, outage or no outage")
	}
	c.what, c.names = args[0], args[1:]
	if c.what != "served" && slices.Equal(c.names, []string{"none"}) {
		c.names = []string{}
		return nil
	}
	switch c.what {
	case "master":
		return oneOf(directorNames)(c, args[1:])
	case "served":
		return oneOf(backendNames())(c, args[1:])
	case "servers":
		c.names = slices.Sorted(slices.Values(args[1:]))
		return among(c.names, serverNames)
	}
	return fmt.Errorf("%q is none of master, servers, served, outage, no outage", c.what)
}

// parseScript reads a whole script and returns every mistake in it at once.
func parseScript(file, text string) ([]*command, []error) {
	var out []*command
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		where := fmt.Sprintf("%s:%d", file, i+1)
		c, err := parse(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
			continue
		}
		if c != nil {
			c.where = where
			out = append(out, c)
		}
	}
	return out, errs
}
