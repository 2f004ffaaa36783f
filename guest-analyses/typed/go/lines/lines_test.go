package lines

import "testing"

func TestLinesAreMeasured(t *testing.T) {
	for _, it := range []struct {
		text              string
		count, crlf, over uint64
		longest           Line
		ended             bool
	}{
		{"", 0, 0, 0, Line{}, true},
		{"one\ntwo two\n", 2, 0, 1, Line{2, 7}, true},
		{"one\r\n\r\nt\rwo", 3, 2, 1, Line{3, 4}, false},
	} {
		for _, block := range []int{1, 2, 100} {
			lines := Lines{BytesMax: 3}
			for rest := it.text; rest != ""; rest = rest[min(block, len(rest)):] {
				lines.Feed([]byte(rest[:min(block, len(rest))]))
			}
			ended := lines.End()
			if lines.Count != it.count || lines.Crlf != it.crlf || lines.Over != it.over || lines.Longest != it.longest || ended != it.ended {
				t.Errorf("%q in blocks of %d: %+v, %v", it.text, block, lines, ended)
			}
			if it.over == 1 && lines.Listed[0] != it.longest {
				t.Errorf("%q: listed is %v", it.text, lines.Listed)
			}
		}
	}
}
