package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"trueup/reports"
)

//go:embed starter
var starter embed.FS

// schemaName is what the first line of the starter's policy.yaml calls its schema.
const schemaName = "policy.schema.json"

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a commented configuration to start from",
		Long: "init writes trueup.yaml, policy.yaml, products.yaml and contracts.csv, commented, with mode: observe, into DIR\n" +
			"(default: here), cases that the policy is tried on, and the schema by which editors check it. Files that exist are\n" +
			"never overwritten.\n" + codesHelp(exitDone, exitUsage),
		Example: "  trueup init\n  trueup init /etc/trueup",
		Args:    between(0, 1, "at most one folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return a.init(dir)
		},
	}
}

// init writes all files or none.
func (a *app) init(dir string) error {
	names := []string{}
	err := fs.WalkDir(starter, "starter", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	schema, err := reports.PolicySchema()
	if err != nil {
		return err
	}
	names = append(names, schemaName)
	for _, name := range names {
		path := filepath.Join(dir, filepath.Base(name))
		if _, err := os.Lstat(path); err == nil {
			return mistakef("move it away, or name another folder", "%s exists already; nothing was written", path)
		} else if !errors.Is(err, os.ErrNotExist) {
			return mistakef("", "%v", err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return mistakef("", "%v", err)
	}
	for _, name := range names {
		b := schema
		if name != schemaName {
			if b, err = starter.ReadFile(name); err != nil {
				return err
			}
		}
		path := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return mistakef("", "%v", err)
		}
		fmt.Fprintf(a.stdout, "wrote %s\n", path)
	}
	a.say("next: put your exports where trueup.yaml says, then trueup check")
	return nil
}
