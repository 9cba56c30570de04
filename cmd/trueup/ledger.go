package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"trueup/store"
)

func (a *app) ledgerCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "ledger", Short: "Look after the ledger", Args: noArgs, Example: "  trueup ledger verify",
		Long: "ledger has what looks after the record of all runs.\n" + codesHelp(exitDone, exitUsage),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(&cobra.Command{
		Use:   "verify",
		Short: "Recompute the ledger's hash chain and compare it with the tables beside it",
		Long: "verify finds any entry that was changed, removed or reordered since it was written, and any table row that does not\n" +
			"say what its entry says.\n" + codesHelp(exitDone, exitUsage, exitUnreachable, exitVerification),
		Example: "  trueup ledger verify\n  trueup ledger verify --output json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.verifyLedger(cmd.Context()) },
	})
	return cmd
}

func (a *app) verifyLedger(ctx context.Context) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	t, err := a.openLedger(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	head, err := t.db.VerifyLedger(ctx)
	if _, broken := errors.AsType[*store.ChainError](err); broken {
		return &coded{exitVerification, err}
	}
	if err != nil {
		return err
	}
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(map[string]any{"entries": head.Seq, "hash": head.Hash})
	}
	_, err = fmt.Fprintf(a.stdout, "%d entries, unbroken; the last one's hash is %s\n", head.Seq, head.Hash)
	return err
}
