package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"trueup/connectors"
	"trueup/store"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Validate configuration and policy, probe each source and target; change nothing",
		Long: "check reads the configuration with its schedules, the product list and the policy and reports every mistake at once,\n" +
			"then looks whether each source can be read and each target written. Nothing is changed; a folder that is missing is\n" +
			"made, and a bucket is left with one small object, trueup-check.txt, which later checks find.\n" +
			codesHelp(exitDone, exitUsage, exitUnreachable, exitVerification, exitInterrupted),
		Example: "  trueup check\n  trueup check --output json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.check(cmd.Context()) },
	}
}

// probe is what check found out about one thing.
type probe struct {
	What string `json:"what"`
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
	exit int    // what the command exits with because of it
}

func (a *app) check(ctx context.Context) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	s, err := a.load()
	if err != nil {
		return err
	}
	sources, err := a.openSources(s)
	if err != nil {
		return err
	}
	probes := []probe{passed("configuration", s.path, fmt.Sprintf("%d sources", len(s.Sources))),
		passed("products", s.Products, fmt.Sprintf("%d products", len(s.catalogue.Products))),
		passed("policy", s.config.Policy, fmt.Sprintf("mode %s, %d eligibility, %d reclaim, %d exemption rules", s.policy.Mode,
			len(s.policy.Eligibility), len(s.policy.Reclaim), len(s.policy.Exempt)))}
	for _, e := range s.schedules {
		probes = append(probes, passed("schedule", e.Name, e.Spec.Text()+", next "+e.Spec.Next(a.now()).Format(dueLayout)))
	}
	for _, source := range sources {
		probes = append(probes, a.probeSource(ctx, s, source.Name, source.Driver)...)
	}
	probes = append(probes, a.probeStore(ctx, s), a.probeObjects(ctx, s, "archive", s.Archive))
	for _, target := range s.Publish {
		probes = append(probes, a.probeObjects(ctx, s, "publish", target))
	}
	for _, p := range probes {
		a.exit = worse(a.exit, p.exit)
	}
	for _, name := range s.unused() {
		a.say("note: section %s is read and has no effect in this build", name)
	}
	return a.printProbes(probes)
}

// probeSource looks whether every configured file is there and readable, and asks the vendor where it is written to.
func (a *app) probeSource(ctx context.Context, s *settings, name string, driver connectors.Source) []probe {
	checker, ok := driver.(connectors.Checker)
	if !ok {
		return []probe{passed("source", name, "configured")}
	}
	if err := checker.Check(ctx); err != nil {
		return []probe{failed("source", name, err)}
	}
	return []probe{passed("source", name, "reachable")}
}

func passed(what, name, text string) probe {
	return probe{What: what, Name: name, OK: true, Text: text}
}

func failed(what, name string, err error) probe {
	p := probe{What: what, Name: name, Text: strings.TrimPrefix(err.Error(), name+" "), Hint: hint(err), exit: exitUnreachable}
	if damaged(err) {
		p.exit = exitVerification
	}
	return p
}

// probeStore looks whether the next run could work with the ledger; a new one is made by that run, not by a check.
func (a *app) probeStore(ctx context.Context, s *settings) probe {
	address, err := a.storeAddress(s)
	if err != nil {
		return failed("store", s.Store, err)
	}
	state, err := store.Check(ctx, address, store.Options{Dir: s.dir})
	switch {
	case err != nil:
		return failed("store", s.Store, err)
	case state.Schema == 0:
		return passed("store", s.Store, "will be made by the first run")
	case state.Schema < state.Known:
		return passed("store", s.Store, fmt.Sprintf("its schema is at %d; the next run brings it to %d", state.Schema, state.Known))
	}
	return passed("store", s.Store, "ledger verified")
}

// probeObjects looks whether a place can be listed, written to and read.
func (a *app) probeObjects(ctx context.Context, s *settings, what, location string) probe {
	objects, err := a.objects(ctx, s, location)
	if err == nil {
		err = objects.Probe(ctx)
	}
	if err != nil {
		return failed(what, location, err)
	}
	return passed(what, location, "can be read and written")
}

func (a *app) printProbes(probes []probe) error {
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(map[string]any{"checks": probes})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, p := range probes {
		mark := "ok"
		if !p.OK {
			mark = "FAILED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", mark, p.What, p.Name, strings.ReplaceAll(p.Text, "\n", "; "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range probes {
		if p.Hint != "" {
			a.say("hint: %s: %s", p.Name, p.Hint)
		}
	}
	return nil
}
