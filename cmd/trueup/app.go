package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"trueup/facts"
	"trueup/pipeline"
)

// environment is what the program takes from the outside world; tests replace it.
type environment struct {
	args           []string
	stdout, stderr io.Writer
	terminal       bool // stderr is one
	colour         bool // stdout is a terminal that wants colour
	getenv         func(string) string
	now            func() time.Time
	who            string // OS user and host
	build          string
	workers        int
	width          int           // columns of the terminal on stdout; 0 off a terminal
	tick           time.Duration // how often a server looks around
}

// system returns the real environment.
func system() environment {
	_, plain := os.LookupEnv("NO_COLOR")
	return environment{args: os.Args[1:], stdout: os.Stdout, stderr: os.Stderr,
		terminal: isatty.IsTerminal(os.Stderr.Fd()) && os.Getenv("TERM") != "dumb",
		colour:   isatty.IsTerminal(os.Stdout.Fd()) && !plain && os.Getenv("TERM") != "dumb",
		getenv:   os.Getenv, now: time.Now, who: who(), build: build(), workers: runtime.GOMAXPROCS(0), width: terminalWidth(), tick: time.Minute}
}

// terminalWidth is the width of the terminal on standard output; 0 if it is none.
func terminalWidth() int {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// who names the OS user and the host; where the system knows no names, as in a bare container, the user's number.
func who() string {
	name, host := fmt.Sprintf("uid %d", os.Getuid()), "unknown"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// version is what the linker was told (make build VERSION=1.2.3); empty otherwise.
var version string

// build names the version of the program: the one it was stamped with, else the module's, or the revision it was built from.
func build() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	name := info.Main.Version
	if name == "" || name == "(devel)" {
		name = "devel"
	}
	var revision, modified string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			modified = s.Value
		}
	}
	if revision != "" && !strings.Contains(name, revision[:12]) {
		name += " " + revision[:12]
	}
	if modified == "true" && !strings.Contains(name, "dirty") {
		name += " (modified)"
	}
	return name
}

// app is one invocation: its environment and the flags that all commands share.
type app struct {
	environment
	config     string
	output     string
	quiet      bool
	verbose    bool
	noColour   bool
	noProgress bool
	logFormat  string
	exit       int              // what a command that ran through asks to exit with
	began      string           // id of the run that was begun last
	faults     []pipeline.Fault // of the feeds that were read last
	logger     *slog.Logger     // of a server; nil where people are spoken to
}

func (a *app) instant() facts.Instant { return facts.At(a.now()) }

// entry is something said on standard error.
type entry struct {
	Level string `json:"level"`
	Text  string `json:"msg"`
	Hint  string `json:"hint,omitempty"` // what to do about it
	Exit  int    `json:"exit,omitempty"`
}

// voices begin what is said to people.
var voices = map[string]string{"warning": "warning: ", "error": "trueup: "}

// levels are those of log/slog for the words of entries.
var levels = map[string]slog.Level{"info": slog.LevelInfo, "warning": slog.LevelWarn, "error": slog.LevelError}

// log writes an entry to standard error, in the form that was asked for.
func (a *app) log(e entry) {
	if a.logger != nil {
		var hint []any
		if e.Hint != "" {
			hint = []any{"hint", e.Hint}
		}
		a.logger.Log(context.Background(), levels[e.Level], e.Text, hint...)
		return
	}
	if a.logFormat == "json" {
		line, err := json.Marshal(e)
		if err != nil {
			panic(err) // an entry always encodes
		}
		fmt.Fprintln(a.stderr, string(line))
		return
	}
	fmt.Fprintln(a.stderr, voices[e.Level]+e.Text)
	if e.Hint != "" {
		fmt.Fprintln(a.stderr, "hint: "+e.Hint)
	}
}

// say tells people something, unless quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		a.log(entry{Level: "info", Text: fmt.Sprintf(format, args...)})
	}
}

// warn tells people that something is amiss and what to do about it, unless quiet.
func (a *app) warn(advice, format string, args ...any) {
	if !a.quiet {
		a.log(entry{Level: "warning", Text: fmt.Sprintf(format, args...), Hint: advice})
	}
}

// wantColour reports whether text on standard output may be coloured.
func (a *app) wantColour() bool { return a.colour && !a.noColour }

// execute runs the program and returns its exit code.
func execute(ctx context.Context, env environment) int {
	a := &app{environment: env}
	root := a.root()
	root.SetArgs(env.args)
	err := root.ExecuteContext(ctx)
	if err == nil || errors.Is(err, syscall.EPIPE) { // whoever reads the output has had enough
		return a.exit
	}
	return a.report(ctx, err)
}
