package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// root assembles the command line. Each command stands in a file of its own name.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "trueup",
		Short: "Reconcile software licences: who holds, uses and needs them, and what that is worth",
		Long: `trueup reconciles software licences with the people who hold them, the sign-ins that show use, and the contracts
that were signed. It plans what to revoke, downgrade and reissue, does what the policy lets it, writes a workbook and
leaves evidence that can be performed again.`,
		Example: `  trueup demo                 see the whole job on a made-up organisation
  trueup init                 start a configuration of your own
  trueup check                validate it and look at every source
  trueup plan                 pull, reconcile, print the plan; change nothing
  trueup run                  the nightly job`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.checkFlags() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", "trueup.yaml", "configuration; paths in it are relative to it")
	flags.StringVar(&a.output, "output", "text", "text, json or csv, on standard output")
	flags.BoolVar(&a.quiet, "quiet", false, "say nothing but errors on standard error")
	flags.BoolVar(&a.verbose, "verbose", false, "say more on standard error: steps with time and memory")
	flags.BoolVar(&a.noColour, "no-color", false, "no colours (as the environment variable NO_COLOR)")
	flags.BoolVar(&a.noProgress, "no-progress", false, "no progress bars on a terminal")
	flags.StringVar(&a.logFormat, "log-format", "text", "text or json, on standard error")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return mistakef(cmd.CommandPath()+" --help", "%v", err)
	})
	root.AddCommand(a.initCommand(), a.demoCommand(), a.checkCommand(), a.pullCommand(), a.planCommand(), a.applyCommand(), a.policyCommand(),
		a.runCommand(), a.reportCommand(), a.explainCommand(), a.runsCommand(), a.ledgerCommand(), a.scheduleCommand(),
		a.serveCommand(), a.sourcesCommand(), a.awsPolicyCommand(), a.versionCommand())
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	addCompletion(root)
	root.SuggestionsMinimumDistance = 2
	root.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		text := fmt.Sprintf("unknown command %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			text += ", did you mean " + strings.Join(near, " or ") + "?"
		}
		return mistakef("trueup --help lists the commands", "%s", text)
	}
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return root
}

// addCompletion adds the scripts that complete commands in a shell.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd("completion")
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		codes := codesHelp(exitDone, exitUsage)
		cmd.Long += "\n" + codes
		cmd.Example = "  trueup completion bash > /etc/bash_completion.d/trueup"
		cmd.Args = between(1, 1, "bash, zsh, fish or powershell")
		cmd.RunE = func(_ *cobra.Command, args []string) error {
			return mistakef("bash, zsh, fish or powershell", "there is no completion for %q", args[0])
		}
		for _, shell := range cmd.Commands() {
			shell.Long += "\n" + codes
			shell.Example = "  trueup completion " + shell.Name()
		}
	}
}

func (a *app) checkFlags() error {
	if !slices.Contains([]string{"text", "json", "csv"}, a.output) {
		return mistakef("text, json or csv", "--output %q is not known", a.output)
	}
	if !slices.Contains([]string{"text", "json"}, a.logFormat) {
		return mistakef("text or json", "--log-format %q is not known", a.logFormat)
	}
	return nil
}

// noArgs refuses arguments, in the words of a person.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return mistakef(cmd.CommandPath()+" --help", "%s takes no argument, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// between asks for a number of arguments.
func between(low, high int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < low || len(args) > high {
			return mistakef(cmd.CommandPath()+" --help", "%s wants %s, got %d arguments", cmd.CommandPath(), names, len(args))
		}
		return nil
	}
}

// only refuses output forms that a command does not have.
func (a *app) only(forms ...string) error {
	if !slices.Contains(forms, a.output) {
		return mistakef("--output "+strings.Join(forms, " or "), "this command has no %s output", a.output)
	}
	return nil
}
