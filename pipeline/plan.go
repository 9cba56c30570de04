package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reports"
	"trueup/reports/columns"
)

// Freeze makes the snapshot of asOf out of observations and the ledger's part.
func (l *Line) Freeze(ctx context.Context, asOf facts.Instant, observations []*facts.Observation) (*facts.Snapshot, error) {
	defer l.Progress.Step("freeze")()
	prior, err := l.Ledger.Prior(ctx, asOf)
	if err != nil {
		return nil, fmt.Errorf("read the ledger's part: %w", err)
	}
	frame := facts.Frame{Organisation: l.Organisation, Calendar: l.Calendar, AsOf: asOf, Prior: prior}
	for _, s := range l.Sources {
		frame.Sources = append(frame.Sources, facts.Source{Name: s.Name, Kind: s.Descriptor.Kind, Writes: s.Writes})
	}
	return facts.Freeze(frame, observations)
}

// Decide works out the plan of a snapshot. It is pure; the context is only looked at before it starts.
func (l *Line) Decide(ctx context.Context, snapshot *facts.Snapshot) (*reconcile.Plan, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	defer l.Progress.Step("reconcile")()
	return reconcile.Decide(snapshot, l.Catalogue, l.Policy, l.Options)
}

// Keep stores everything the plan was decided from in the archive, then the plan in the ledger. After it returns the plan
// can be decided again without any source.
func (l *Line) Keep(ctx context.Context, run reconcile.Run, plan *reconcile.Plan) (reconcile.PlanRecord, error) {
	defer l.Progress.Step("store the plan")()
	record := reconcile.PlanRecord{ID: plan.ID, Run: run.ID, AsOf: plan.AsOf, Made: l.Now(), Decisions: plan.Decisions,
		Digest: plan.Digest, Build: plan.Build, Config: plan.Config, Mode: plan.Mode}
	options, err := json.Marshal(l.Options)
	if err != nil {
		return record, fmt.Errorf("encode options: %w", err)
	}
	view, err := reports.Build(plan, run, nil, l.Policy)
	if err != nil {
		return record, err
	}
	for _, object := range []struct {
		name   string
		digest *facts.Digest
		write  func(io.Writer) error
	}{
		{"policy.yaml", &record.Policy, writeBytes(l.PolicyYAML)},
		{"products.yaml", &record.Products, writeBytes(l.ProductsYAML)},
		{"options.json", &record.Options, writeBytes(options)},
		{"snapshot", &record.Snapshot, plan.Snapshot.Encode},
		{"rows.parquet", &record.Rows, func(w io.Writer) error { return columns.Write(w, view) }},
	} {
		if *object.digest, err = l.put(ctx, object.name, object.write); err != nil {
			return record, err
		}
	}
	if err := l.Ledger.SavePlan(ctx, record, plan); err != nil {
		return record, fmt.Errorf("store plan %s: %w", plan.ID, err)
	}
	return record, nil
}

func writeBytes(b []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(b); return err }
}

func (l *Line) put(ctx context.Context, name string, write func(io.Writer) error) (facts.Digest, error) {
	w, err := l.Archive.Keep(ctx, name)
	if err != nil {
		return facts.Digest{}, fmt.Errorf("archive %s: %w", name, err)
	}
	if err := write(w); err != nil {
		w.Abort()
		return facts.Digest{}, fmt.Errorf("archive %s: %w", name, err)
	}
	digest, _, err := w.Commit()
	if err != nil {
		return facts.Digest{}, fmt.Errorf("archive %s: %w", name, err)
	}
	return digest, nil
}

// ErrDiffers says that a plan, decided again from what was stored, came out differently.
var ErrDiffers = errors.New("decided again from its stored inputs the plan comes out differently")

// Stored is what a plan was decided from, as the archive kept it.
type Stored struct {
	Snapshot   *facts.Snapshot
	Catalogue  *reconcile.Catalogue
	Policy     *reconcile.Policy
	PolicyYAML []byte
	Options    reconcile.Options
}

// Load decides a stored plan again from the archive and checks that it comes out the same. Needs Archive and Calendar
// only: catalogue, policy and options are those that were stored with the plan; the policy is returned too.
func (l *Line) Load(ctx context.Context, record reconcile.PlanRecord) (*reconcile.Plan, *reconcile.Policy, error) {
	defer l.Progress.Step("load the plan")()
	stored, err := l.Stored(ctx, record)
	if err != nil {
		return nil, nil, err
	}
	plan, err := reconcile.Decide(stored.Snapshot, stored.Catalogue, stored.Policy, stored.Options)
	if err != nil {
		return nil, nil, fmt.Errorf("plan %s: %w", record.ID, err)
	}
	if plan.Digest != record.Digest {
		return nil, nil, fmt.Errorf("plan %s, made by build %s: %w", record.ID, record.Build, ErrDiffers)
	}
	return plan, stored.Policy, nil
}

// Stored reads what a plan was decided from. Needs Archive only.
func (l *Line) Stored(ctx context.Context, record reconcile.PlanRecord) (*Stored, error) {
	var policyYAML, productsYAML, optionsJSON bytes.Buffer
	for _, object := range []struct {
		name   string
		digest facts.Digest
		into   *bytes.Buffer
	}{{"policy.yaml", record.Policy, &policyYAML}, {"products.yaml", record.Products, &productsYAML}, {"options.json", record.Options, &optionsJSON}} {
		if err := l.get(ctx, object.name, object.digest, func(r io.Reader) error { _, err := object.into.ReadFrom(r); return err }); err != nil {
			return nil, err
		}
	}
	stored := &Stored{PolicyYAML: policyYAML.Bytes()}
	var err error
	if stored.Catalogue, err = reconcile.ParseCatalogue("products.yaml", productsYAML.Bytes()); err != nil {
		return nil, fmt.Errorf("plan %s: %w", record.ID, err)
	}
	if stored.Policy, err = reconcile.ParsePolicy("policy.yaml", stored.PolicyYAML, stored.Catalogue); err != nil {
		return nil, fmt.Errorf("plan %s: %w", record.ID, err)
	}
	if err := json.Unmarshal(optionsJSON.Bytes(), &stored.Options); err != nil {
		return nil, fmt.Errorf("plan %s: options: %w", record.ID, err)
	}
	return stored, l.get(ctx, "snapshot", record.Snapshot, func(r io.Reader) (err error) {
		stored.Snapshot, err = facts.DecodeSnapshot(r)
		return err
	})
}

// get hands the whole of an archived object to read, so that its hash is checked.
func (l *Line) get(ctx context.Context, name string, digest facts.Digest, read func(io.Reader) error) error {
	r, err := l.Archive.Open(ctx, facts.File{Name: name, SHA256: digest})
	if err != nil {
		return fmt.Errorf("archived %s: %w", name, err)
	}
	defer r.Close()
	if err := read(r); err != nil {
		return fmt.Errorf("archived %s: %w", name, err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("archived %s: %w", name, err)
	}
	return nil
}
