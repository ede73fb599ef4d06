package parent

import (
	"testing"
	"time"
)

func TestAppointments(t *testing.T) {
	east := time.FixedZone("east", 2*3600)
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, east)
	for _, c := range []struct {
		line, want string
		daily      bool
	}{
		{"12:00:01", "2026-03-09T12:00:01+02:00", true},
		{"12:00:00", "2026-03-10T12:00:00+02:00", true},
		{"10:00:01Z", "2026-03-09T10:00:01Z", true},
		{"26-03-09 13:00:00", "2026-03-09T13:00:00+02:00", false},
		{"2027-01-02 03:04:05Z", "2027-01-02T03:04:05Z", false},
		{"2026-03-09 12:00:00", "", false}, // passed
		{"1:00:00", "", false},
		{" 12:00:01", "", false},
		{"12:00:01.5", "", false},
		{"25:00:00", "", false},
		{"2026-02-30 12:00:00", "", false},
		{"", "", false},
	} {
		at, daily, wrong := parseAppointment(c.line, now)
		got := ""
		if wrong == "" {
			got = at.Format(time.RFC3339)
		}
		if got != c.want || daily != c.daily || (wrong != "") != (c.want == "") {
			t.Errorf("%q: %q %v %v, want %q %v", c.line, got, daily, wrong, c.want, c.daily)
		}
	}
}
