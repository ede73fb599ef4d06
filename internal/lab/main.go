package lab

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	example "github.com/holdfast-ha/holdfast/examples/lab"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Exit codes of Main.
const (
	exitHeld   = 0
	exitFailed = 1 // an expect did not hold, or the lab could not be built
	exitUsage  = 2 // wrong flags or a script that cannot be read
	exitBroken = 130
)

// maxRate bounds --rate: beyond it a client's ports run out.
const maxRate = 400

type mainOptions struct {
	script, conf, daemon, dir string
	rate                      int
}

// Main is `holdfast lab`; args are what follows that word. It needs the whole
// program's standard streams and arguments, since it starts it again (Isolate).
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, code := readFlags(args, stderr)
	if code >= 0 {
		return code
	}
	var script []*command
	if o.script != "" {
		text, err := os.ReadFile(o.script)
		if err != nil {
			fmt.Fprintf(stderr, "holdfast lab: %v\n", err)
			return exitUsage
		}
		var errs []error
		if script, errs = parseScript(o.script, string(text)); len(errs) > 0 {
			fmt.Fprintln(stderr, errors.Join(errs...))
			return exitUsage
		}
	}
	defer keepTerminal(stdin)()
	code, done, err := Isolate(stdin, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "holdfast lab: %v\n", err)
		return exitFailed
	}
	if done {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	return o.run(ctx, script, stdin, stdout, stderr)
}

// keepTerminal returns what puts the terminal back as it is now, even if the
// process inside was killed.
func keepTerminal(stdin io.Reader) func() {
	if f, ok := stdin.(*os.File); ok {
		if state, err := term.GetState(int(f.Fd())); err == nil {
			return func() { _ = term.Restore(int(f.Fd()), state) }
		}
	}
	return func() {}
}

func readFlags(args []string, stderr io.Writer) (o mainOptions, code int) {
	flags := flag.NewFlagSet("holdfast lab", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.script, "script", "", "run the commands in `FILE`; exit status 0 only if every expect held")
	flags.StringVar(&o.conf, "conf", "", "take a.conf and b.conf from `DIR` (default: the built-in ones)")
	flags.StringVar(&o.daemon, "daemon", "", "`COMMAND` of the directors' daemon (default: this program)")
	flags.StringVar(&o.dir, "dir", "", "keep logs and configurations in `DIR`")
	flags.IntVar(&o.rate, "rate", 200, "requests a second, 1 to 400")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: holdfast lab [flags]\n\nTwo directors, three back ends and a client in network namespaces.\n\n")
		flags.PrintDefaults()
		fmt.Fprintf(stderr, "\ncommands, on standard input or in a script:\n%s", help())
	}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return o, 0
	case err != nil:
		return o, exitUsage
	case flags.NArg() > 0 || o.rate < 1 || o.rate > maxRate:
		flags.Usage()
		return o, exitUsage
	}
	return o, -1
}

func (o mainOptions) run(ctx context.Context, script []*command, stdin io.Reader, stdout, stderr io.Writer) int {
	if o.script != "" {
		stdin = strings.NewReader("") // a script needs no terminal
	}
	screen, restore := newScreen(stdin, stdout)
	defer restore()
	s, err := o.open(screen)
	if err != nil {
		fmt.Fprintf(stderr, "holdfast lab: %v\n", err)
		return exitFailed
	}
	watching, endWatch := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { s.watch(watching) })

	code := exitHeld
	if o.script != "" {
		code = s.play(ctx, script)
	} else {
		s.converse(ctx, stdin)
	}
	endWatch()
	watcher.Wait()
	s.screen.print(s.farewell())
	if err := s.close(); err != nil {
		fmt.Fprintf(stderr, "holdfast lab: %v\n", err)
		return exitFailed
	}
	return code
}

// open builds the demonstration and starts both directors.
func (o mainOptions) open(screen *screen) (*stage, error) {
	command := strings.Fields(o.daemon)
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		command = []string{self}
	}
	files := fs.FS(example.Files)
	if o.conf != "" {
		files = os.DirFS(o.conf)
	}
	if o.dir != "" {
		if err := os.MkdirAll(o.dir, 0o755); err != nil {
			return nil, err
		}
	}
	d, err := newDemo(o.dir, command, files, o.rate, func(out Outage) { screen.say("%v", out) })
	if err != nil {
		return nil, err
	}
	s := &stage{demo: d, screen: screen}
	screen.print("two directors (a, b), three servers (s1 s2 s3) and a client that asks " + demoService + "; help lists the commands\n")
	for _, name := range directorNames {
		if err := d.directors[name].Start(); err != nil {
			return nil, errors.Join(err, d.close())
		}
	}
	return s, nil
}

// play runs a script to its end or to the first expect that does not hold.
func (s *stage) play(ctx context.Context, script []*command) int {
	held := 0
	for _, c := range script {
		if c.verb == "quit" {
			break
		}
		s.screen.say("> %s", c.text)
		err := s.perform(ctx, c)
		if ctx.Err() != nil {
			return exitBroken
		}
		if err != nil {
			s.screen.say("%s: %s: %v", c.where, c.text, err)
			s.screen.print(s.report())
			for _, name := range directorNames {
				s.screen.print(fmt.Sprintf("---- log of %s\n%s\n", name, s.directors[name].LogTail(logTail)))
			}
			return exitFailed
		}
		if c.verb == "expect" {
			held++
		}
	}
	s.screen.say("every expect held (%d)", held)
	return exitHeld
}

// converse carries out what is typed until quit, the end of input or a signal.
// An input without a single line is no input: the lab runs until it is told.
func (s *stage) converse(ctx context.Context, stdin io.Reader) {
	lines := make(chan string) // typed no faster than carried out
	go s.screen.readLines(stdin, lines)
	for heard := false; ; heard = true {
		var line string
		var ok bool
		select {
		case <-ctx.Done():
			return
		case line, ok = <-lines:
		}
		if !ok {
			if !heard && !s.screen.isTerminal() {
				<-ctx.Done()
			}
			return
		}
		c, err := parse(line)
		if err == nil && c != nil {
			if c.verb == "quit" {
				return
			}
			s.screen.say("> %s", c.text)
			err = s.perform(ctx, c)
		}
		if err != nil {
			s.screen.say("%v", err)
		} else if c != nil && c.verb == "expect" {
			s.screen.say("it is so")
		}
	}
}

// farewell sums up what the client saw.
func (s *stage) farewell() string {
	t := s.traffic.State()
	var longest Outage
	for _, o := range s.traffic.OutagesSince(0) {
		if o.Length > longest.Length {
			longest = o
		}
	}
	text := fmt.Sprintf("%d good answers, %d failed", t.Good, t.Failed)
	if longest.Length > 0 {
		text += fmt.Sprintf(", %s, the longest %s", diag.Counted(t.Outages, "outage"), round(longest.Length))
	}
	return text + "\n"
}
