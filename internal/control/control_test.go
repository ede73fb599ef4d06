package control

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-ha/holdfast/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fixed struct {
	status api.Status
	err    error
}

func (f fixed) Status(context.Context) (RawStatus, error) {
	return RawStatus{Status: f.status, Services: json.RawMessage(`[{"name":"s"}]`)}, f.err
}
func (f fixed) Explain(context.Context) (RawExplanation, error) {
	s, err := f.Status(context.Background())
	return RawExplanation{Status: s, Explanation: api.Explanation{Records: []api.Record{{What: "it happened"}}}}, err
}

func (f fixed) Server(_ context.Context, c api.ServerCommand) (api.ServerAnswer, error) {
	return api.ServerAnswer{Done: []api.Override{{Kind: c.Action, Service: c.Service, Server: c.Server, Weight: c.Weight, Why: c.Why}}}, f.err
}

func TestCommandsThereAndBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sock")
	s, err := Listen(path, fixed{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []api.ServerCommand{
		{Action: api.ServerDrain, Service: "[2001:db8::1]:tcp:80", Server: "FWM 7 & more=?", Why: "a kernel + that is \"new\""},
		{Action: api.ServerWeight, Service: "a", Server: "b", Weight: 65535},
		{Action: api.ServerClear}, {Action: api.ServerClear, Service: "a"},
	} {
		a, err := Order(t.Context(), path, c)
		if err != nil || len(a.Done) != 1 || a.Done[0] != (api.Override{Kind: c.Action, Service: c.Service, Server: c.Server, Weight: c.Weight, Why: c.Why}) {
			t.Errorf("%+v became %+v, %v", c, a, err)
		}
	}
	for _, c := range []api.ServerCommand{
		{Action: "explode", Service: "a", Server: "b"}, {Action: api.ServerClear, Service: "a", Server: "b"},
		{Action: api.ServerDrain, Service: "a"},
		{Action: api.ServerWeight, Service: "a", Server: "b", Weight: 65536},
		{Action: api.ServerDrain, Service: "a", Server: "b", Why: strings.Repeat("x", api.MaxWhy+1)},
		{Action: api.ServerDrain, Service: "a", Server: "b", Why: "two\nlines"},
	} {
		if _, err := Order(t.Context(), path, c); !errors.Is(err, ErrRefused) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestStatusThereAndBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sock")
	for range 2 { // the second finds what the first left
		s, err := Listen(path, fixed{status: api.Status{PID: 7, Instances: []api.Instance{{Name: "VI_1"}}}})
		if err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
			t.Fatalf("mode %v, %v", st.Mode(), err)
		}
		got, err := Status(t.Context(), path)
		if err != nil || got.PID != 7 || got.Instances[0].Name != "VI_1" || len(got.Services) != 1 || got.Services[0].Name != "s" {
			t.Fatal(got, err)
		}
		how, err := Explain(t.Context(), path)
		if err != nil || how.Status.PID != 7 || len(how.Status.Services) != 1 || how.Records[0].What != "it happened" {
			t.Fatal(how, err)
		}
		s.Close()
		l, err := listen(path)
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	}
}

func TestFaults(t *testing.T) {
	dir := t.TempDir()
	if _, err := Status(t.Context(), filepath.Join(dir, "none")); err == nil {
		t.Error("nobody there, and no error")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, fixed{}); err == nil {
		t.Error("an ordinary file was replaced")
	}
	path := filepath.Join(dir, "h.sock")
	s, err := Listen(path, fixed{err: errors.New("busy with something")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Status(t.Context(), path); err == nil || !strings.Contains(err.Error(), "busy with something") {
		t.Errorf("the daemon's error is lost: %v", err)
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", path)
	}}}
	if res, err := c.Post("http://x/v1/status", "", strings.NewReader("x")); err != nil || res.StatusCode == http.StatusOK {
		t.Errorf("a POST was taken: %v %v", res, err)
	} else {
		res.Body.Close()
	}
}

// Clients that connect and say nothing keep nobody out; who waits for an answer
// keeps its place.
func TestSilentClientsMakeRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sock")
	answer := make(chan struct{})
	s, err := Listen(path, slowly{fixed{status: api.Status{PID: 7}}, answer})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first := make(chan error, 1)
	go func() { _, err := Explain(t.Context(), path); first <- err }()
	answer <- struct{}{} // its question has come
	for i := range 2 * maxConnections {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write([]byte("GET /v1/sta")[:i%12])
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience/2)
	defer cancel()
	if got, err := Status(ctx, path); err != nil || got.PID != 7 {
		t.Errorf("got %+v, %v", got, err)
	}
	answer <- struct{}{}
	if err := <-first; err != nil {
		t.Errorf("the first lost its place: %v", err)
	}
}

// slowly explains in its own time.
type slowly struct {
	fixed
	answer chan struct{}
}

func (s slowly) Explain(ctx context.Context) (RawExplanation, error) {
	<-s.answer
	<-s.answer
	return s.fixed.Explain(ctx)
}

// Who is stopped is not waited for.
func TestStoppedDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if conn, err := net.Dial("unix", path); err != nil || running(conn) != nil {
		t.Fatalf("this process is stopped, it is said: %v, %v", running(conn), err)
	}
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	if stopped(other.Process.Pid) {
		t.Error("a process that sleeps counts as stopped")
	}
	if err := other.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !stopped(other.Process.Pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a stopped process is not noticed")
		}
	}
}
