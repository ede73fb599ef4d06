package parent

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// maxComplaints bounds the problems that are logged at once.
const maxComplaints = 50

// announce is the first line: what runs, with which configuration and
// addresses.
func (h *house) announce(r *Report) {
	h.tell(slog.LevelInfo, "process", "Starting %s %s (pid %d) with %s: %s",
		h.o.Program, h.o.Version, os.Getpid(), h.o.Load.ConfigFile, r.summary())
	if h.o.Log.Detail {
		h.tell(slog.LevelInfo, "process", "Command line: '%s'", strings.Join(h.o.CommandLine, "' '"))
	}
	for _, note := range h.o.Notes {
		h.tell(slog.LevelWarn, "process", "command line: %s", note)
	}
	for _, line := range r.Dump {
		h.tell(slog.LevelInfo, "config", "%s", line)
	}
	if r.Fatal == "" && len(r.Children) == 0 {
		h.tell(slog.LevelWarn, "config", "%s has no configuration to run", h.o.Program)
	}
}

// summary says in one clause what a configuration holds.
func (r *Report) summary() string {
	if r.Fatal != "" {
		return r.Fatal
	}
	parts := []string{diag.Counted(r.Instances, "VRRP instance"), diag.Counted(r.Services, "virtual server")}
	if r.Servers > 0 {
		parts = append(parts, diag.Counted(r.Servers, "real server"))
	}
	if r.Services > 0 && r.Director != "" {
		parts = append(parts, "director "+r.Director)
	}
	if n := len(r.Addresses); n > 0 {
		text := "addresses " + strings.Join(r.Addresses, " ")
		if r.AddressesIn > n {
			text += fmt.Sprintf(" and %d more", r.AddressesIn-n)
		}
		parts = append(parts, text)
	}
	if r.Errors > 0 {
		parts = append(parts, diag.Counted(r.Errors, "problem"))
	}
	return join(parts)
}

// complain logs what is wrong with a configuration.
func (h *house) complain(problems []api.Problem) {
	told := 0
	for _, p := range problems {
		if p.Severity == "notice" {
			continue
		}
		if told++; told <= maxComplaints {
			h.tell(levelOf(p.Severity), "config", "%s", place(p))
		}
	}
	if told > maxComplaints {
		h.tell(slog.LevelWarn, "config", "and %d more: `holdfast check %s` shows them all", told-maxComplaints, h.o.Load.ConfigFile)
	}
}

// levelOf is the level of a problem, so that the log calls it what status and
// check do.
func levelOf(severity string) slog.Level {
	if severity == diag.Warning.String() {
		return slog.LevelWarn
	}
	return slog.LevelError
}

// maxPlanned bounds the lines that are logged about what a reload does; status
// has more of them.
const maxPlanned = 50

// tellPlan logs what a reload does, object by object.
func (h *house) tellPlan() {
	r := h.report.Reload
	if r == nil {
		return
	}
	if !r.Changes {
		h.tell(slog.LevelInfo, "config", "Reload: nothing changed")
		return
	}
	told := min(len(r.Plan), maxPlanned)
	for _, line := range r.Plan[:told] {
		h.tell(slog.LevelInfo, "config", "Reload: %s", line)
	}
	if left := len(r.Plan) - told + r.LeftOut; left > 0 {
		h.tell(slog.LevelInfo, "config", "Reload: and %s more", diag.Counted(left, "object"))
	}
}

func (h *house) processName() string {
	if name := h.report.ProcessNames[""]; name != "" {
		return name
	}
	return h.o.Program
}
