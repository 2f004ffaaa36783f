// Package export_wit_world is where the generated bindings look for what the world exports.
package export_wit_world

import (
	"encoding/json"
	"fmt"
	"strings"

	wit "go.bytecodealliance.org/pkg/wit/types"

	report "lines-go/bindings/belljar_analysis_report"
	"lines-go/lines"
)

// Args are checked by the host, and its defaults are filled in.
type Args struct {
	BytesMax uint64 `json:"bytes_max"`
}

// Result is what is returned, as JSON.
type Result struct {
	Lines   uint64     `json:"lines"`
	Crlf    uint64     `json:"crlf"`
	Ended   bool       `json:"ended"`
	Longest lines.Line `json:"longest"`
	Over    uint64     `json:"over"`
	List    string     `json:"list,omitempty"`
}

// Analyse takes args and returns the result, or a sentence for the person who asked.
func Analyse(args string) wit.Result[string, string] {
	result, err := analyse(args)
	if err != nil {
		return wit.Err[string, string](err.Error())
	}
	return wit.Ok[string, string](result)
}

func analyse(text string) (string, error) {
	var args Args
	if err := json.Unmarshal([]byte(text), &args); err != nil {
		return "", fmt.Errorf("args: %w", err)
	}
	found := lines.Lines{BytesMax: args.BytesMax}
	blocks(found.Feed)
	ended := found.End()
	withEnd := found.Count
	if !ended {
		withEnd--
	}
	if found.Crlf > 0 && found.Crlf < withEnd {
		report.Log(report.LevelWarn, "some lines end as on Windows, and some do not")
	}
	result := Result{found.Count, found.Crlf, ended, found.Longest, found.Over, ""}
	if found.Over > 0 {
		path, err := list(found.Listed)
		if err != nil {
			return "", err
		}
		result.List = path
	}
	said, err := json.Marshal(result)
	return string(said), err
}

// list makes a file with the lines that are too long, and tells its path, which becomes a link to it.
func list(over []lines.Line) (string, error) {
	var csv strings.Builder
	csv.WriteString("line,bytes\n")
	for _, it := range over {
		fmt.Fprintf(&csv, "%d,%d\n", it.Line, it.Bytes)
	}
	created := report.ArtifactCreate("over.csv")
	if created.IsErr() {
		return "", fmt.Errorf("over.csv: %s", created.Err())
	}
	file := created.Ok()
	defer file.Drop()
	if written := file.Write([]byte(csv.String())); written.IsErr() {
		return "", fmt.Errorf("over.csv: %s", written.Err())
	}
	return file.Path(), nil
}
