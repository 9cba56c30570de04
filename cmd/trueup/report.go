package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"trueup/reconcile"
	"trueup/reports"
	"trueup/reports/publish"
	"trueup/reports/workbook"
)

func (a *app) reportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "report RUN",
		Short: "Build a run's workbook again from ledger and archive",
		Long: "report decides the run's plan again from what was archived, checks that it comes out the same, and writes its\n" +
			"workbook, plan as JSON and rows as CSV. RUN is an id, a unique prefix or latest.\n" +
			codesHelp(exitDone, exitUsage, exitUnreachable, exitVerification, exitInterrupted),
		Example: "  trueup report latest\n  trueup report 20261122T0200 --out /tmp/audit",
		Args:    between(1, 1, "RUN"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.rebuild(cmd.Context(), args[0], out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "folder to write into (default: report-RUN)")
	return cmd
}

func (a *app) rebuild(ctx context.Context, id, out string) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	t, err := a.openLedger(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	view, err := t.viewOf(ctx, id)
	if err != nil {
		return err
	}
	if out == "" {
		out = "report-" + view.Run.ID
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return mistakef("--out names another folder", "%v", err)
	}
	for _, d := range documents(view, out) {
		path := filepath.Join(out, d.name)
		if err := writeFile(path, d.write); err != nil {
			return err
		}
		t.meter.finish()
		fmt.Fprintln(a.stdout, path)
	}
	return nil
}

// viewOf decides a stored run's plan again.
func (t *session) viewOf(ctx context.Context, id string) (*reports.View, error) {
	run, err := t.db.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	if run.Plan == "" {
		return nil, mistakef("trueup runs lists them", "run %s made no plan", run.ID)
	}
	record, err := t.db.Plan(ctx, run.Plan)
	if err != nil {
		return nil, err
	}
	plan, policy, err := t.line.Load(ctx, record)
	if err != nil {
		return nil, err
	}
	outcomes, err := t.db.Outcomes(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	return reports.Build(plan, run, outcomes, policy)
}

// documents are the names of what a run publishes; the first is the workbook. Files in the making go to
// the folder scratch.
func documents(view *reports.View, scratch string) []document {
	book := "trueup-" + view.Plan.AsOf.Time().Format("2006-01-02") + ".xlsx"
	return []document{
		{book, func(w io.Writer) error { _, err := workbook.Write(w, view, scratch); return err }},
		{"plan.json", func(w io.Writer) error { return reports.WriteJSON(w, view) }},
		{"rows.csv", func(w io.Writer) error { return reports.WriteCSV(w, view) }},
	}
}

// document is one rendering of a view.
type document struct {
	name  string
	write func(io.Writer) error
}

// publish builds the run's documents and puts them, create-only, where the configuration says.
func (t *session) publish(ctx context.Context, run *reconcile.Run, plan *reconcile.Plan, outcomes []reconcile.Outcome) (*reports.View, error) {
	run.Finished = t.instant()
	view, err := reports.Build(plan, *run, outcomes, t.line.Policy)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(t.settings.spool(), 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(t.settings.spool(), "trueup-report-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	done := t.meter.Step("report")
	files, closeAll, err := render(dir, documents(view, dir))
	defer closeAll()
	done()
	if err != nil {
		return nil, err
	}
	defer t.meter.Step("publish")()
	var failures []error
	for _, target := range t.settings.Publish { // one that fails does not keep the others from having the report
		if err := t.publishTo(ctx, target, publish.Manifest{Run: run.ID, Plan: plan.ID, Digest: plan.Digest}, files); err != nil {
			failures = append(failures, fmt.Errorf("publish to %s: %w", target, err))
		}
	}
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	run.Workbook = t.settings.published(t.settings.Publish[0], publish.Key(run.ID, files[0].Name))
	view.Run = *run
	return view, nil
}

func (t *session) publishTo(ctx context.Context, target string, m publish.Manifest, files []publish.File) error {
	objects, err := t.objects(ctx, t.settings, target)
	if err != nil {
		return err
	}
	t.sweep(ctx, objects)
	_, err = publish.Publish(ctx, objects, m, files)
	return err
}

// published says where an object of a target is, as a person would look for it: a path for a folder.
func (s *settings) published(target, key string) string {
	if dir, ok := strings.CutPrefix(target, "file:"); ok {
		return filepath.Join(s.resolve(dir), filepath.FromSlash(key))
	}
	return strings.TrimSuffix(target, "/") + "/" + key
}

// render writes documents side by side into a folder and opens them for reading. closeAll must be called.
func render(dir string, documents []document) (files []publish.File, closeAll func(), err error) {
	var open []*os.File
	closeAll = func() {
		for _, f := range open {
			f.Close()
		}
	}
	group := new(errgroup.Group)
	for _, d := range documents {
		path := filepath.Join(dir, d.name)
		group.Go(func() error { return writeFile(path, d.write) })
	}
	if err := group.Wait(); err != nil {
		return nil, closeAll, err
	}
	for _, d := range documents {
		f, err := os.Open(filepath.Join(dir, d.name))
		if err != nil {
			return nil, closeAll, err
		}
		open = append(open, f)
		files = append(files, publish.File{Name: d.name, Body: f})
	}
	return files, closeAll, nil
}
