package cli

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// idleMemory is how much memory, in bytes, a reader that waits may keep for
// what it will read.
const idleMemory = 8 << 20

// Prepare reads the configuration that runs as if it were the next one and one
// server in it had changed. Programs and memory that the next reading needs are
// there then, and the configuration that runs has been cut into the parts that
// the next one is compared with.
func (p *reader) Prepare(q parent.LoadRequest, running []byte) {
	debug.SetGCPercent(-1) // there is nothing to collect while it waits
	was, err := source.Unmarshal(running)
	if err != nil || q.Running == nil || q.Dump {
		return
	}
	past := newPast(was, q.Running)
	if !past.Comparable(q.ConfigFile) { // all of it would be read
		return
	}
	p.was, p.past = was, past
	p.rehearse(q)
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapInuse > idleMemory {
		debug.FreeOSMemory()
	} else {
		runtime.GC() // the next reading uses that memory again
	}
}

// rehearse does what Read does, but for questions to this machine, which has
// answered them when that configuration was read.
func (p *reader) rehearse(q parent.LoadRequest) {
	machine, err := files.NewChild(p.was.Facts)
	if err != nil {
		return
	}
	n := next{LoadRequest: q, once: source.NewRecorder(p.was), facts: machine.Facts, was: p.was, past: p.past, sample: true}
	n.load(nil)
	r := n.report()
	set := n.once.Set()
	r.Blank = blank(set)
	set.Facts = n.facts.Marshal()
	r.Reload = n.reloads()
	_ = ipc.Marshal(r)
	draft, err := newDraft()
	if err != nil {
		return
	}
	text := set.Index()
	if _, _, err := draft.Copy(strings.NewReader(string(text)), text); err != nil {
		draft.Close()
		return
	}
	if f, err := draft.Seal(); err == nil {
		_ = f.Close()
	}
}
