package snmp

import (
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/notify/snmp/mib"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// Of what does not fit, a GetBulk gets as much as does, and a Get nothing.
func TestMoreThanFits(t *testing.T) {
	tree := mib.Build(&mib.State{Conf: new(conf.Config)})
	ranges := make([]agentx.Range, maxAnswer+1)
	for name, c := range map[string]struct {
		ask     agentx.Body
		trouble agentx.Error
		objects int
	}{
		"Get":           {agentx.Get{Ranges: ranges}, agentx.GenErr, 0},
		"GetNext":       {agentx.GetNext{Ranges: ranges}, agentx.GenErr, 0},
		"GetBulk":       {agentx.GetBulk{NonRepeaters: maxAnswer + 1, Ranges: ranges}, agentx.NoError, maxAnswer},
		"Get that fits": {agentx.Get{Ranges: ranges[:maxAnswer]}, agentx.NoError, maxAnswer},
	} {
		if r := look(tree, c.ask); r.Error != c.trouble || len(r.VarBinds) != c.objects {
			t.Errorf("%s: %v, %d objects", name, r.Error, len(r.VarBinds))
		}
	}
}
