package labtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/lab"
)

// Web is what a client sees of a virtual server of HTTP servers, each of which
// answers with its node's name.
type Web struct {
	Client *lab.Node
	To     string // address and port, e.g. 192.0.2.100:80
}

// Answers asks until every one of the wanted servers, and in a row of questions
// nobody else, has answered.
func (w Web) Answers(t testing.TB, want ...string) {
	t.Helper()
	slices.Sort(want)
	Wait(t, fmt.Sprintf("answers of %s come from %v", w.To, want), func() bool {
		return slices.Equal(w.heard(t, 3*len(want)), want)
	})
}

// AnswersNow asks times times, each over a new connection: each wanted server
// answers, nobody else does, and no question fails.
func (w Web) AnswersNow(t testing.TB, times int, want ...string) {
	t.Helper()
	slices.Sort(want)
	if heard := w.heard(t, times); !slices.Equal(heard, want) {
		t.Errorf("answers of %s come from %v, want %v", w.To, heard, want)
	}
}

// heard is who answered, and which errors came, sorted.
func (w Web) heard(t testing.TB, times int) (list []string) {
	for range times {
		got, err := w.Client.Get(t.Context(), w.To)
		if err != nil {
			got = err.Error()
		}
		if !slices.Contains(list, got) {
			list = append(list, got)
		}
	}
	slices.Sort(list)
	return list
}

// Kept is a client's connection that stays.
type Kept struct {
	net.Conn
	from *bufio.Reader
}

// Ask asks once more on the connection.
func (k *Kept) Ask() (string, error) {
	_ = k.SetDeadline(time.Now().Add(Patience))
	if _, err := io.WriteString(k, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return "", err
	}
	res, err := http.ReadResponse(k.from, nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return strings.TrimSpace(string(b)), err
}

// Stay gives a connection that one server answers.
func (w Web) Stay(t testing.TB, server string) *Kept {
	t.Helper()
	var k *Kept
	Wait(t, "a connection to "+server, func() bool {
		c, err := w.Client.DialContext(t.Context(), "tcp", w.To)
		if err != nil {
			return false
		}
		k = &Kept{c, bufio.NewReader(c)}
		if got, err := k.Ask(); err == nil && got == server {
			return true
		}
		_ = c.Close()
		return false
	})
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// Holds tests that the server still answers on the connection.
func (k *Kept) Holds(t testing.TB, server string) {
	t.Helper()
	if got, err := k.Ask(); got != server || err != nil {
		t.Errorf("the connection to %s: %q, %v", server, got, err)
	}
}

// Order has a daemon carry out one of api's commands for servers.
func Order(t testing.TB, d *lab.Daemon, action, service, server string) {
	t.Helper()
	_, err := control.Order(t.Context(), strings.TrimSuffix(d.ConfigFile(), ".conf")+".sock",
		api.ServerCommand{Action: action, Service: service, Server: server, Why: "a test"})
	Must(t, err)
}
