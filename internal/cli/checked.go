package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// checked is the outcome for one file, and its JSON.
type checked struct {
	File     string          `json:"file"`
	ConfigID string          `json:"config_id,omitempty"` // if there are several
	Errors   int             `json:"errors"`
	Warnings int             `json:"warnings"`
	Problems json.RawMessage `json:"problems"` // as package diag writes them

	found   diag.List
	summary string
}

func judged(what string, found diag.List) checked {
	errors := found.Count(diag.Error)
	return checked{
		File: what, Errors: errors, Warnings: found.Count(diag.Warning) - errors,
		Problems: diag.JSON(found), found: found,
	}
}

func (c *checked) code(strict bool) int {
	switch {
	case c.found.Count(diag.Fatal) > 0:
		return exitUnread
	case c.Errors > 0, strict && c.Warnings > 0:
		return exitProblems
	}
	return exitFine
}

// maxRanking bounds the virtual routers of which is said who wins.
const maxRanking = 20

// results are what check found in all files.
type results struct {
	Files []checked `json:"files"`
	// Cluster is what the files say together; nil if they were not compared.
	Cluster *checked `json:"cluster,omitempty"`
	ranking []string // who wins, of each virtual router
}

// all are the results of files and cluster.
func (r *results) all() []checked {
	if r.Cluster == nil {
		return r.Files
	}
	return append(slices.Clone(r.Files), *r.Cluster)
}

func (r *results) code(strict bool) int {
	code := exitFine
	for _, c := range r.all() {
		code = max(code, c.code(strict))
	}
	return code
}

func (r *results) found() (l diag.List) {
	for _, c := range r.all() {
		l = append(l, c.found...)
	}
	return l
}

func (r *results) json(t terminal) {
	t.json(struct {
		Version int `json:"version"`
		*results
	}{api.Version, r})
}

func (r *results) print(t terminal) {
	for _, c := range r.Files {
		_ = diag.Print(t.out, c.found)
		fmt.Fprintf(t.out, "%s: %s (%s)\n", c.name(), c.verdict(), c.summary)
	}
	if r.Cluster != nil {
		_ = diag.Print(t.out, r.Cluster.found)
		fmt.Fprintf(t.out, "as one cluster: %s (%s)\n", r.Cluster.verdict(), r.Cluster.File)
		for _, line := range r.ranking[:min(len(r.ranking), maxRanking)] {
			fmt.Fprintf(t.out, "    %s\n", line)
		}
	}
}

// name is the file, and its id if there are several.
func (c *checked) name() string {
	if c.ConfigID == "" {
		return c.File
	}
	return c.File + " (@" + c.ConfigID + ")"
}

func (c *checked) verdict() string {
	if c.Errors+c.Warnings == 0 {
		return "no problems"
	}
	return diag.Counted(c.Errors, "error") + ", " + diag.Counted(c.Warnings, "warning")
}

// summary says in one clause what a configuration holds.
func summary(cfg *conf.Config) string {
	var r parent.Report
	reportVRRP(&r, cfg)
	servers := 0
	for _, v := range cfg.VirtualServers {
		servers += len(v.Servers)
	}
	return strings.Join([]string{
		diag.Counted(r.Instances, "VRRP instance"), diag.Counted(r.AddressesIn, "virtual address"),
		diag.Counted(len(cfg.VirtualServers), "virtual server"), diag.Counted(servers, "real server"),
	}, ", ")
}
