package track

// Weigh says what a tracked object means for whoever tracks it: a number to
// add to the priority, and whether it forbids taking part at all.
//
// Without a weight, down forbids. A positive weight is added while up, a
// negative one while down. With reverse, up and down change places
// (keepalived.conf(5), track_script: "reverse").
func Weigh(up bool, weight int, reverse bool) (add int, fault bool) {
	if reverse {
		up = !up
	}
	switch {
	case weight == 0:
		return 0, !up
	case up == (weight > 0):
		return weight, false
	default:
		return 0, false
	}
}
