// An analysis for Belljar: the file is its only argument, its args are JSON on stdin, what it prints is the result, what it
// says on stderr is its log, and an exit code other than 0 is a failure with that log as the reason.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// Args are checked by the host, and its defaults are filled in.
type Args struct {
	LettersMin int `json:"letters_min"`
}

// Result is what is printed.
type Result struct {
	Words int `json:"words"`
}

func main() {
	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string, stdin io.Reader, stdout io.Writer) error {
	var args Args
	if err := json.NewDecoder(stdin).Decode(&args); err != nil {
		return fmt.Errorf("args: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	result, err := count(file, args)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(result)
}

func count(text io.Reader, args Args) (Result, error) {
	var result Result
	words := bufio.NewScanner(bufio.NewReaderSize(text, 64<<10))
	words.Split(bufio.ScanWords)
	words.Buffer(nil, 16<<20)
	for words.Scan() {
		if utf8.RuneCount(words.Bytes()) >= args.LettersMin {
			result.Words++
		}
	}
	return result, words.Err()
}
