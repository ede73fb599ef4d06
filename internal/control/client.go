package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-ha/holdfast/api"
)

// maxAnswer bounds what a client reads, in bytes.
const maxAnswer = 256 << 20

// maxRefusal bounds what a client reads of an error, in bytes.
const maxRefusal = 16 << 10

// refusal is the daemon's word; it is an ErrRefused.
type refusal string

// Error is what the daemon says.
func (r refusal) Error() string { return string(r) }

// Is makes it an ErrRefused.
func (r refusal) Is(target error) bool { return target == ErrRefused }

// Status asks the daemon behind the socket how things are.
func Status(ctx context.Context, path string) (api.Status, error) {
	return get[api.Status](ctx, path, "/v1/status")
}

// Explain asks it how they came to be so.
func Explain(ctx context.Context, path string) (api.Explanation, error) {
	return get[api.Explanation](ctx, path, "/v1/explain")
}

// Order has it carry out a command about real servers.
func Order(ctx context.Context, path string, c api.ServerCommand) (api.ServerAnswer, error) {
	return ask[api.ServerAnswer](ctx, path, http.MethodPost, "/v1/server?"+writeCommand(c))
}

func get[A any](ctx context.Context, path, question string) (s A, err error) {
	return ask[A](ctx, path, http.MethodGet, question)
}

func ask[A any](ctx context.Context, path, method, question string) (s A, err error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "unix", path)
			if err != nil {
				return nil, err
			}
			if err := running(conn); err != nil {
				_ = conn.Close()
				return nil, err
			}
			return conn, nil
		},
	}}
	req, err := http.NewRequestWithContext(ctx, method, "http://holdfast"+question, nil)
	if err != nil {
		return s, err
	}
	res, err := client.Do(req)
	if err != nil {
		return s, fmt.Errorf("ask the daemon at %s: %w", path, plain(err))
	}
	defer res.Body.Close()
	body := io.LimitReader(res.Body, maxAnswer)
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(body, maxRefusal))
		if res.StatusCode == http.StatusConflict || res.StatusCode == http.StatusBadRequest {
			return s, refusal(strings.TrimSpace(string(text)))
		}
		return s, fmt.Errorf("the daemon answers %s: %s", res.Status, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(body).Decode(&s); err != nil {
		return s, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return s, nil
}

// plain is an error without what says nothing over a Unix socket: the URL, and
// the path once more.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if o, ok := errors.AsType[*net.OpError](err); ok {
		err = o.Err
	}
	return err
}
