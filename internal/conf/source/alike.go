package source

// Alike says how much two texts have in common: so many bytes that both begin
// with and, behind these, so many that both end with.
type Alike struct{ Head, Tail int }

// block is how many bytes are compared at once.
const block = 4 << 10

// Compare finds out what two texts have in common.
func Compare(a, b string) Alike {
	head := Head(a, b)
	return Alike{head, Tail(a[head:], b[head:])}
}

// Head is how many bytes both texts begin with.
func Head(a, b string) (n int) {
	size := min(len(a), len(b))
	for n+block <= size && a[n:n+block] == b[n:n+block] {
		n += block
	}
	for n < size && a[n] == b[n] {
		n++
	}
	return n
}

// Tail is how many bytes both texts end with.
func Tail(a, b string) (n int) {
	size := min(len(a), len(b))
	a, b = a[len(a)-size:], b[len(b)-size:]
	for n+block <= size && a[size-n-block:size-n] == b[size-n-block:size-n] {
		n += block
	}
	for n < size && a[size-n-1] == b[size-n-1] {
		n++
	}
	return n
}
