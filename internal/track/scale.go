package track

// Limits of what a number may come to: priorities that can change go from 1 to
// 254.
const maxSum = 253

// Scale is Weigh for an object that carries a number, such as a file: the number
// times the weight is added, with reverse subtracted, and what comes to less
// than -253 forbids taking part. Without a weight any number but 0 forbids; with
// reverse, 0 does (keepalived.conf(5), track_file).
func Scale(number, weight int, reverse bool) (add int, fault bool) {
	if weight == 0 {
		return Weigh(number == 0, 0, reverse)
	}
	if reverse {
		weight = -weight
	}
	switch product := int64(number) * int64(weight); {
	case product < -maxSum:
		return 0, true
	default:
		return int(min(product, maxSum)), false
	}
}
