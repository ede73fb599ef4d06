package source

// Alike says how much two texts have in common: so many bytes that both begin
// with and, behind these, so many that both end with.
type Alike struct{ Head, Tail int }

// block is how many bytes are compared at once.
const block = 4 << 10

// Compare finds out what two texts have in common.
func Compare(a, b string) Alike {
	head := 0
	for head+block <= min(len(a), len(b)) && a[head:head+block] == b[head:head+block] {
		head += block
	}
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	a, b = a[head:], b[head:]
	tail := 0
	for rest := min(len(a), len(b)) - block; tail <= rest && a[len(a)-tail-block:len(a)-tail] == b[len(b)-tail-block:len(b)-tail]; {
		tail += block
	}
	for tail < min(len(a), len(b)) && a[len(a)-tail-1] == b[len(b)-tail-1] {
		tail++
	}
	return Alike{head, tail}
}
