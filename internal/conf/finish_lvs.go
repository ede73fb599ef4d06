package conf

import (
	"sort"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

func sortStable(d diag.List, less func(a, b *diag.Diagnostic) bool) {
	sort.SliceStable(d, func(i, j int) bool { return less(&d[i], &d[j]) })
}

// judgeServer reports what does not go together in a virtual server.
func (l *loader) judgeServer(v *VirtualServer) {
	if v.OnePacket && v.Protocol != "UDP" {
		l.fault("HF033", l.opsWord, "ops is for UDP only, it is ignored", "protocol UDP", "")
		v.OnePacket = false
	}
	l.judgeQuorum(v)
}

// judgeQuorum holds the quorum to what the servers can weigh.
func (l *loader) judgeQuorum(v *VirtualServer) {
	total := 0
	for _, rs := range v.Servers {
		total += rs.Weight
	}
	w := l.quorumWord
	if w.Text == "" {
		w = l.vsWord
	}
	if len(v.Servers) > 0 && v.Quorum > total {
		l.fault("HF040", w, "quorum "+strconv.Itoa(v.Quorum)+" is more than all servers weigh, taking "+strconv.Itoa(total), "at most "+strconv.Itoa(total), "")
		v.Quorum = total
	}
	if v.Hysteresis >= v.Quorum && v.Hysteresis > 0 {
		h := max(v.Quorum-1, 0)
		l.fault("HF040", l.hystWord, "hysteresis "+strconv.Itoa(v.Hysteresis)+" is not less than the quorum "+strconv.Itoa(v.Quorum)+", taking "+strconv.Itoa(h), "less than the quorum", "")
		v.Hysteresis = h
	}
}

// finishServers looks at all virtual servers together.
func (l *loader) finishServers() {
	groups := make(map[string]bool, len(l.cfg.ServerGroups))
	for _, g := range l.cfg.ServerGroups {
		groups[g.Name] = true
	}
}
