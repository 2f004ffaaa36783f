package main

import (
	"strings"
	"testing"
)

func TestWordsAreCounted(t *testing.T) {
	for _, it := range []struct {
		text       string
		lettersMin int
		words      int
	}{{"one or two", 0, 3}, {"one or two", 3, 2}, {"très\n", 5, 0}, {"", 0, 0}} {
		result, err := count(strings.NewReader(it.text), Args{it.lettersMin})
		if err != nil || result.Words != it.words {
			t.Errorf("%q of %d letters: %v, %v", it.text, it.lettersMin, result, err)
		}
	}
}
