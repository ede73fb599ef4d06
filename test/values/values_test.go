package values

import (
	"slices"
	"testing"
)

const answer = `------< VRRP Topology >------
 VRRP Instance = VI_1
   Priority = 100
   Tracked scripts :
     a weight 0
     b weight 3
   State = BACKUP
   News = yes
 VRRP Instance = VI_2
------< Static Addresses >------
     10.0.0.1/24 dev e0
`

// Nothing that the other has must escape.
func TestCompare(t *testing.T) {
	theirs := Parse(answer)
	one := Object{Kind: "VRRP Instance", Name: "VI_1"}
	one.add("Priority", "99")
	one.add("Tracked scripts", "a weight 0", "b weight 3")
	one.add("Version", "2")
	three := Object{Kind: "VRRP Instance", Name: "VI_3"}
	addresses := Object{Kind: "Static Addresses", Fields: []Field{{Values: []string{"10.0.0.1/24 dev e0"}}}}
	got := Compare([]Object{one, three, addresses}, theirs, []string{"State"})
	want := []string{
		"VRRP Instance VI_1: Priority: [99] here, [100] there",
		"VRRP Instance VI_1: Version: [2] here, nothing there",
		"VRRP Instance VI_1: News: nothing here, [yes] there",
		"VRRP Instance VI_3: only here",
		"VRRP Instance VI_2: only there",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
