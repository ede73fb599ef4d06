package none_test

import (
	"net/netip"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/directortest"
	"github.com/holdfast-ha/holdfast/internal/director/none"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

func TestSuite(t *testing.T) {
	var keys []lvs.ServiceKey
	for port := range uint16(4) {
		keys = append(keys, lvs.ServiceKey{Addr: netip.MustParseAddr("10.0.0.1"), Port: 80 + port, Protocol: lvs.TCP, Family: 4})
	}
	directortest.Run(t, directortest.Options{
		Open:       func(*testing.T) director.Director { return none.New() },
		Keys:       keys,
		Schedulers: []string{"rr", "wlc"},
	})
}
