package diag

import "slices"

// LinesOf are the lines of places, by file and in order. It is nil if one of
// them is no line of a file: then what the others say is not all.
func LinesOf[T any](all []T, place func(*T) (file string, line int)) map[string][]int32 {
	lines := map[string][]int32{}
	for i := range all {
		file, line := place(&all[i])
		if file == "" || line <= 0 {
			return nil
		}
		lines[file] = append(lines[file], int32(line)) // a line of a file of bounded size
	}
	for _, l := range lines {
		slices.Sort(l)
	}
	return lines
}
