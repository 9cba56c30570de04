package main

import (
	"github.com/spf13/cobra"

	"trueup/reports"
)

func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Work on a policy: its schema, tests, the difference to another, what it would have done",
		Long: "policy helps to change policy.yaml with confidence: an editor completes and checks it by its schema, cases say what it\n" +
			"must conclude, and archived runs show what a change would do before anybody loses a licence.\n" +
			codesHelp(exitDone, exitUsage),
		Example: `  trueup policy schema > policy.schema.json
  trueup policy test policy_test.yaml
  trueup policy diff policy.yaml next.yaml
  trueup policy replay --product figma --thresholds 30d,60d,90d`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.policySchemaCommand(), a.policyTestCommand(), a.policyDiffCommand(), a.policyReplayCommand())
	return cmd
}

func (a *app) policySchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of policy.yaml",
		Long: "schema prints the JSON Schema (draft 2020-12) of policy.yaml. What it refuses trueup check refuses too; check also\n" +
			"knows the products and compiles the rules. An editor with a YAML language server uses it where the first line of\n" +
			"policy.yaml is: # yaml-language-server: $schema=policy.schema.json\n" +
			codesHelp(exitDone, exitUsage),
		Example: "  trueup policy schema > policy.schema.json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := a.only("text", "json"); err != nil {
				return err
			}
			schema, err := reports.PolicySchema()
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(schema)
			return err
		},
	}
}
