// Package control is the daemon's control socket: HTTP with JSON (package
// api) over a Unix socket that only its owner may use.
//
// It carries questions and answers; what they mean is decided by who gives
// the Source (package parent). Get is the client's side.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

const (
	// maxHeader bounds a request's header in bytes; no request has a body.
	maxHeader = 8 << 10
	// maxConnections bounds the clients that are served at once.
	maxConnections = 32
	// patience bounds the reading of a request and the writing of an answer.
	patience = 10 * time.Second
	// answerPatience bounds the making and writing of an answer.
	answerPatience = time.Minute
)

// RawStatus is an api.Status whose services are as the checker wrote them: of
// 100,000 servers they are 30 MB, which nobody on the way needs to take apart.
type RawStatus struct {
	api.Status
	Services json.RawMessage `json:"services"` // goes before that of api.Status
}

// RawExplanation is an api.Explanation with such a status.
type RawExplanation struct {
	api.Explanation
	Status RawStatus `json:"status"` // goes before that of api.Explanation
}

// Source answers the questions.
type Source interface {
	Status(ctx context.Context) (RawStatus, error)
	Explain(ctx context.Context) (RawExplanation, error)
	// Server carries out a command; an ErrRefused says what is wrong with it.
	Server(ctx context.Context, c api.ServerCommand) (api.ServerAnswer, error)
}

// ErrRefused marks the error of a command that cannot be carried out as it is.
var ErrRefused = errors.New("refused")

// Server serves one socket until Close.
type Server struct {
	path    string
	http    http.Server
	serving sync.WaitGroup
}

// Listen makes the socket (mode 0600, in the place of one left by a dead
// predecessor) and serves source on it.
func Listen(path string, source Source) (*Server, error) {
	l, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("make the control socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", answer(source.Status))
	mux.HandleFunc("GET /v1/explain", answer(source.Explain))
	mux.HandleFunc("POST /v1/server", func(w http.ResponseWriter, r *http.Request) {
		c, err := readCommand(r.URL.Query())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(func(ctx context.Context) (api.ServerAnswer, error) { return source.Server(ctx, c) })(w, r)
	})
	places := newPlaces(l)
	s := &Server{path: path, http: http.Server{
		Handler: asked(http.MaxBytesHandler(mux, 0)), MaxHeaderBytes: maxHeader,
		ReadTimeout: patience, WriteTimeout: answerPatience, IdleTimeout: patience,
		ConnContext: remember, ConnState: idle,
	}}
	s.serving.Go(func() { _ = s.http.Serve(places) })
	return s, nil
}

// answer makes a handler of a question.
func answer[A any](ask func(context.Context) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := ask(r.Context())
		if errors.Is(err, ErrRefused) {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value) // the client has gone
	}
}

// listen binds under another name first, so that nobody finds the socket
// before its mode is right.
func listen(path string) (net.Listener, error) {
	if st, err := os.Lstat(path); err == nil && st.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("%s exists and is no socket", path)
	}
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(fresh, 0o600), os.Rename(fresh, path)); err != nil {
		_ = l.Close()
		_ = os.Remove(fresh)
		return nil, err
	}
	return l, nil
}

// Close ends the server and waits for it.
func (s *Server) Close() {
	_ = os.Remove(s.path)
	_ = s.http.Close()
	s.serving.Wait()
}
