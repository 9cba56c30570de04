package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"trueup/connectors"
	"trueup/connectors/all"
	"trueup/facts"
)

func (a *app) sourcesCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "sources",
		Short:   "List the kinds of source and what each can do",
		Long:    "sources lists the kinds that a source in trueup.yaml can have, and what each can read and write.\n" + codesHelp(exitDone, exitUsage),
		Example: "  trueup sources\n  trueup sources --output json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := a.only("text", "json"); err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(a.stdout).Encode(capabilities())
			}
			return writeCapabilities(a.stdout)
		},
	}
}

// capability is one kind in the JSON output.
type capability struct {
	Kind    string            `json:"kind"`
	Title   string            `json:"title"`
	Exports []facts.Feed      `json:"exports"`
	Live    []facts.Feed      `json:"live"`
	Writes  []connectors.Verb `json:"writes"`
	Lag     string            `json:"lag"`
}

func capabilities() []capability {
	var list []capability
	for _, d := range all.Kinds() {
		lag := d.Lag
		if lag == 0 {
			lag = connectors.DefaultLag
		}
		list = append(list, capability{Kind: d.Kind, Title: d.Title, Exports: orEmpty(d.Exports), Live: orEmpty(d.Live),
			Writes: orEmpty(d.Writes), Lag: fmt.Sprintf("%g h", lag.Hours())})
	}
	return list
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func writeCapabilities(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tWHAT\tFROM FILES\tLIVE\tWRITES")
	for _, c := range capabilities() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Kind, c.Title, words(c.Exports), words(c.Live), words(c.Writes))
	}
	return w.Flush()
}

func words[T fmt.Stringer](list []T) string {
	if len(list) == 0 {
		return "-"
	}
	texts := make([]string, len(list))
	for n, item := range list {
		texts[n] = item.String()
	}
	return strings.Join(texts, ", ")
}
