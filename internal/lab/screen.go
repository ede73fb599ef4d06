package lab

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// screen is where the lab speaks: a terminal, whose last line is the state and
// the place to type, or a plain stream of lines.
type screen struct {
	out   io.Writer
	start time.Time

	mu   sync.Mutex
	term *term.Terminal // nil for a plain stream
	line string         // the state shown last
}

// colours are for a terminal: what serves is green, what does not is red.
func colours() *strings.Replacer {
	const green, red, bold, plain = "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[0m"
	var pairs []string
	for word, colour := range map[string]string{
		"MASTER": bold + green, "FAULT": red, " down": red, "OUTAGE": bold + red, "outage of": red, " out:": red,
	} {
		pairs = append(pairs, word, colour+word+plain)
	}
	return strings.NewReplacer(pairs...)
}

// paint colours text where it is a terminal that shows it (no-color.org).
func (s *screen) paint(text string) string {
	if s.term == nil || os.Getenv("NO_COLOR") != "" {
		return text
	}
	return colours().Replace(text)
}

// newScreen takes over the terminal if both ends are one; restore gives it back.
func newScreen(stdin io.Reader, stdout io.Writer) (s *screen, restore func()) {
	s = &screen{out: stdout, start: time.Now()}
	in, ok := stdin.(*os.File)
	out, ok2 := stdout.(*os.File)
	if !ok || !ok2 || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return s, func() {}
	}
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return s, func() {}
	}
	s.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "> ")
	if width, height, err := term.GetSize(int(out.Fd())); err == nil && width > 0 {
		_ = s.term.SetSize(width, height)
	}
	return s, func() { _ = term.Restore(int(in.Fd()), old) }
}

// print writes whole lines above the state.
func (s *screen) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.term != nil {
		_, _ = s.term.Write([]byte(s.paint(text)))
		return
	}
	_, _ = io.WriteString(s.out, text)
}

// say writes one line with the time since the start before it.
func (s *screen) say(format string, args ...any) {
	s.print(fmt.Sprintf("%8.3f  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...)))
}

// show replaces the state: the prompt of a terminal, a line of a plain stream.
func (s *screen) show(state string) {
	if s.term == nil {
		s.say("%s", state)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != s.line {
		s.line = state
		s.term.SetPrompt(s.paint(state) + " > ")
		_, _ = s.term.Write(nil)
	}
}

// isTerminal tells whether a person can see the state change in place.
func (s *screen) isTerminal() bool { return s.term != nil }

// readLines sends what is typed or piped in, line by line, and closes the channel
// at the end of input or at Ctrl-C.
func (s *screen) readLines(stdin io.Reader, lines chan<- string) {
	defer close(lines)
	if s.term == nil {
		scan := bufio.NewScanner(stdin)
		for scan.Scan() {
			lines <- scan.Text()
		}
		return
	}
	for {
		line, err := s.term.ReadLine()
		if err != nil {
			return
		}
		lines <- strings.TrimSpace(line)
	}
}
