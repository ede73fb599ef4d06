package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/holdfast-ha/holdfast/api"
)

// maxAnswer bounds what a client reads, in bytes.
const maxAnswer = 256 << 20

// Status asks the daemon behind the socket how things are.
func Status(ctx context.Context, path string) (api.Status, error) {
	return get[api.Status](ctx, path, "/v1/status")
}

// Explain asks it how they came to be so.
func Explain(ctx context.Context, path string) (api.Explanation, error) {
	return get[api.Explanation](ctx, path, "/v1/explain")
}

func get[A any](ctx context.Context, path, question string) (s A, err error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://holdfast"+question, nil)
	if err != nil {
		return s, err
	}
	res, err := client.Do(req)
	if err != nil {
		return s, fmt.Errorf("ask the daemon at %s: %w", path, err)
	}
	defer res.Body.Close()
	body := io.LimitReader(res.Body, maxAnswer)
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(body, 1<<10))
		return s, fmt.Errorf("the daemon answers %s: %s", res.Status, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(body).Decode(&s); err != nil {
		return s, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return s, nil
}
