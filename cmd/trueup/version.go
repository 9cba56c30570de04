package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version and what it was built with",
		Long:    "version prints which build this is: plans and runs name it.\n" + codesHelp(exitDone, exitUsage),
		Example: "  trueup version\n  trueup version --output json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := a.only("text", "json"); err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(a.stdout).Encode(map[string]string{"build": a.build, "go": runtime.Version(),
					"platform": runtime.GOOS + "/" + runtime.GOARCH})
			}
			_, err := fmt.Fprintf(a.stdout, "trueup %s (%s, %s/%s)\n", a.build, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
