// Package lines measures the lines of a text, block by block. Nothing here knows of a sandbox, so that tests need none.
package lines

import "bytes"

const listedMax = 1000

// Line is where a line stands and how long it is, without its end.
type Line struct {
	Line  uint64 `json:"line"`
	Bytes uint64 `json:"bytes"`
}

// Lines is what is known of the text so far.
type Lines struct {
	BytesMax uint64
	Count    uint64
	Crlf     uint64
	Over     uint64
	Longest  Line
	// The first of those that are too long.
	Listed []Line

	bytes   uint64
	inside  bool
	afterCr bool
}

// Feed takes the next block.
func (it *Lines) Feed(block []byte) {
	for len(block) > 0 {
		line, rest, ended := bytes.Cut(block, []byte{'\n'})
		if len(line) > 0 {
			it.bytes += uint64(len(line))
			it.afterCr = line[len(line)-1] == '\r'
		}
		it.inside = !ended
		if ended {
			if it.afterCr {
				it.Crlf++
				it.bytes--
			}
			it.count()
		}
		block = rest
	}
}

// End tells whether the last line had its end.
func (it *Lines) End() bool {
	if it.inside {
		it.count()
	}
	return !it.inside
}

func (it *Lines) count() {
	it.Count++
	line := Line{it.Count, it.bytes}
	if line.Bytes > it.Longest.Bytes {
		it.Longest = line
	}
	if line.Bytes > it.BytesMax {
		it.Over++
		if len(it.Listed) < listedMax {
			it.Listed = append(it.Listed, line)
		}
	}
	it.bytes, it.afterCr = 0, false
}
