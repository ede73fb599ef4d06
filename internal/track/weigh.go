package track

// Weigh says what a tracked object means for whoever tracks it: a number to
// add to the priority, and whether it forbids taking part at all.
//
// Without a weight, down forbids; with reverse, up does. A positive weight
// counts while up, a negative one while down; reverse turns its sign about
// (keepalived.conf(5), track_interface).
func Weigh(up bool, weight int, reverse bool) (add int, fault bool) {
	switch {
	case weight == 0:
		return 0, up == reverse
	case up != (weight > 0):
		return 0, false
	case reverse:
		return -weight, false
	default:
		return weight, false
	}
}
