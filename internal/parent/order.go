package parent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// declined is why the checker child does not carry a command out.
type declined string

// Error is what the child says.
func (r declined) Error() string { return string(r) }

// Is makes it a control.ErrRefused.
func (r declined) Is(target error) bool { return target == control.ErrRefused }

// Server hands a command about real servers on to the checker child. It may be
// called from any goroutine.
func (h *house) Server(ctx context.Context, c api.ServerCommand) (a api.ServerAnswer, err error) {
	q := &query{order: ipc.Marshal(c), reply: make(chan *query, 1)}
	if err := ask(ctx, h, q, q.reply); err != nil {
		return a, err
	}
	switch {
	case q.err != nil:
		return a, q.err
	case len(q.missing) > 0:
		return a, fmt.Errorf("the checker child does not answer within %v; `holdfast server list` will show whether it was done", q.patience.Round(100*time.Millisecond))
	case len(q.bodies) == 0:
		return a, errors.New("no checker child serves: there is no virtual server, or it is just being started")
	}
	if err := json.Unmarshal(q.bodies[0], &a); err != nil {
		return a, fmt.Errorf("read the checker's answer: %w", err)
	}
	return a, nil
}

// stateFolder is named by systemd for a unit with StateDirectory, which
// outlives a reboot.
const stateFolder = "STATE_DIRECTORY"

// statePath is where overrides by command are kept: beside the pid file, or in
// the folder that the service manager gives.
func (h *house) statePath() string {
	path := beside(h.pidPath(""), ".overrides")
	dir, _, _ := strings.Cut(os.Getenv(stateFolder), ":")
	if dir == "" {
		return path
	}
	return filepath.Join(dir, strings.ReplaceAll(strings.Trim(path, "/"), "/", "-"))
}
