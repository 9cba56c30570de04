package flexlm

import (
	"bytes"
	"context"
	"strings"
	"unicode/utf8"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
)

// sinks take what files hold; nil where a feed has no use for it.
type sinks struct {
	snapshot func(*snapshot)
	event    func(event)
	grant    func(grant)
}

// form is one of the kinds of file while a file of it is read.
type form interface {
	// line reads one line. It returns how many records it completed, or why the line is refused; the reason must not show
	// what the line says.
	line(text string) (records int64, reason string)
	// end is told that the file has ended.
	end() (reason string)
}

// read gives a file's lines to the form that its first one is of.
func (s *source) read(ctx context.Context, p connectors.Pull, f *exports.File, to sinks) error {
	var shape form
	err := f.Lines(ctx, 1, func(_ int, block exports.Block) error {
		number := block.Line - 1
		for line := range bytes.Lines(block.Bytes) {
			number++
			line = bytes.TrimRight(line, "\r\n")
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			if !readable(line) {
				f.Reject(number, "is not text")
				continue
			}
			text := string(line)
			if shape == nil {
				if shape = s.formOf(text, p, to); shape == nil {
					continue // a comment before the first line that tells
				}
			}
			records, reason := shape.line(text)
			if reason != "" {
				f.Reject(number, reason)
				continue
			}
			f.AddRows(records)
		}
		return nil
	})
	if err != nil || shape == nil {
		return err
	}
	if reason := shape.end(); reason != "" {
		return f.Fault(connectors.Permanent, 0, reason, "see the page of this kind in docs/formats for the commands that write these files")
	}
	return nil
}

// formOf recognises a file by a line; nil for a comment, which does not tell.
func (s *source) formOf(line string, p connectors.Pull, to sinks) form {
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return nil
	}
	if _, _, _, ok := stamped(line); ok {
		return &debugLog{clock: s.clockOf(p), event: to.event}
	}
	if _, known := keyword(line); known {
		return &licenseFile{grant: to.grant}
	}
	return &lmstat{clock: s.clockOf(p), snapshot: to.snapshot, grant: to.grant}
}

// readable reports whether a line is text: control characters other than tabs stand in none of these files.
func readable(line []byte) bool {
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(line)
}
