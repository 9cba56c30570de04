package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"trueup/connectors"
	licences "trueup/connectors/licensegen"
	"trueup/facts"
	"trueup/fixtures"
	"trueup/fixtures/graph"
	"trueup/licensegen"
	"trueup/reconcile"
	"trueup/store"
)

// demoVendor is where the demo's made-up Microsoft Graph listens: on this machine only.
const demoVendor = "127.0.0.1:8719"

func (a *app) demoCommand() *cobra.Command {
	var asOf string
	var people int
	cmd := &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Write the demo organisation and run the whole job on it",
		Long: "demo writes a made-up organisation of 1,500 people with 16 products and 180 days of sign-ins, in the formats that real\n" +
			"systems send, into DIR (default ./trueup-demo), plays its software vendor on this machine, and runs the nightly job.\n" +
			"Its planted findings are the point: the exit code is 0 whenever the job ran through.\n" +
			codesHelp(exitDone, exitOther, exitUsage, exitHeld, exitInterrupted),
		Example: "  trueup demo\n  trueup demo /tmp/example --people 600\n" +
			"  trueup demo vendor trueup-demo      keep the vendor running, to try plan and apply by hand",
		Args: between(0, 1, "at most one folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "trueup-demo"
			if len(args) == 1 {
				dir = args[0]
			}
			return a.demo(cmd.Context(), dir, asOf, people)
		},
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "make it as of an RFC 3339 time instead of now")
	cmd.Flags().IntVar(&people, "people", 1500, fmt.Sprintf("how many people, %d or more", fixtures.MinPeople))
	cmd.AddCommand(&cobra.Command{
		Use:   "vendor DIR",
		Short: "Play the demo's software vendor until interrupted",
		Long: "vendor answers for the software vendor of a demo organisation, so that plan and apply can be tried by hand. When\n" +
			"it is interrupted it writes what was changed into the folder's exports.\n" + codesHelp(exitDone, exitOther, exitUsage),
		Example: "  trueup demo vendor trueup-demo &\n  trueup plan --config trueup-demo/trueup.yaml",
		Args:    between(1, 1, "a folder that trueup demo wrote"),
		RunE: func(cmd *cobra.Command, args []string) error {
			stop, err := a.playVendor(cmd.Context(), args[0], demoVendor)
			if err != nil {
				return err
			}
			a.say("the demo's vendor listens on http://%s; interrupt to stop it", demoVendor)
			<-cmd.Context().Done()
			return stop()
		},
	})
	return cmd
}

func (a *app) demo(ctx context.Context, dir, asOf string, people int) error {
	if people < fixtures.MinPeople {
		return mistakef("the planted cases need their people", "--people %d is too few; %d is the least", people, fixtures.MinPeople)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return mistakef("name another folder, or remove it", "%s is not empty; the demo overwrites nothing", dir)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return mistakef("", "%v", err)
	}
	at := a.now().Truncate(time.Second)
	if asOf != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, asOf); err != nil {
			return mistakef("2026-11-22T02:00:00Z", "--as-of %q is not an RFC 3339 time", asOf)
		}
		a.now = func() time.Time { return at } // the demo's world stands still then, so that two runs decide the same
	}
	listener, err := listen(ctx, demoVendor)
	if err != nil { // taken: any free port will do for a vendor that lives as long as the run
		if listener, err = listen(ctx, "127.0.0.1:0"); err != nil {
			return err
		}
	}
	begin := time.Now()
	manifest, err := fixtures.Generate(dir, fixtures.Options{AsOf: at.UTC(), People: people, Vendor: "http://" + listener.Addr().String()})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	a.say("wrote the demo organisation into %s: %d planted cases, %.1f s", dir, len(manifest.Cases), time.Since(begin).Seconds())
	stop, err := a.serveVendor(dir, listener)
	if err != nil {
		return err
	}
	err = a.demoRun(ctx, dir, manifest)
	return errors.Join(err, stop())
}

// demoRun issues the licences of the time before the demo's order was amended, then runs the nightly job.
func (a *app) demoRun(ctx context.Context, dir string, manifest *fixtures.Manifest) error {
	a.config = filepath.Join(dir, "trueup.yaml")
	if err := a.demoLicenses(ctx, dir, manifest); err != nil {
		return fmt.Errorf("issue the demo's earlier licences: %w", err)
	}
	s, err := a.load()
	if err != nil {
		return err
	}
	view, err := a.nightly(ctx, s, planRequest{}, false)
	if err != nil {
		return err
	}
	a.exit = exitDone
	if err := a.print(view); err != nil {
		return err
	}
	a.say("\nlook closer:\n  trueup explain --config %s %s\n  trueup runs show latest --config %s", a.config, example(manifest), a.config)
	return nil
}

// example is a holder whose rows are worth a look: one with a downgrade.
func example(manifest *fixtures.Manifest) string {
	for _, c := range manifest.Cases {
		if c.Action == "downgrade" {
			return c.Holder
		}
	}
	return manifest.Cases[0].Holder
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// playVendor serves the vendor of a demo organisation on an address.
func (a *app) playVendor(ctx context.Context, dir, address string) (stop func() error, err error) {
	listener, err := listen(ctx, address)
	if err != nil {
		return nil, err
	}
	return a.serveVendor(dir, listener)
}

func (a *app) serveVendor(dir string, listener net.Listener) (stop func() error, err error) {
	vendor, err := graph.Load(dir, graph.Options{Base: "http://" + listener.Addr().String(), Now: a.now})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: vendor, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return func() error {
		err := server.Close()
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return errors.Join(err, vendor.Export(dir)) // the next pull sees what the vendor was told
	}, nil
}

// demoSection is the demo's licensegen source as it was before one of its orders was amended.
const demoSection = `name: licences
kind: licensegen
orders: licences/orders-before.csv
catalogue: licences/catalogue.yaml
keys: keys/licences
register: var/licences
write: true
`

// demoLicenses makes the signing key and issues what had been ordered until then, but to customers who are planted as
// missing their licence.
func (a *app) demoLicenses(ctx context.Context, dir string, manifest *fixtures.Manifest) error {
	if _, err := licensegen.CreateKeyring(filepath.Join(dir, "keys", "licences"), rand.Reader); err != nil {
		return err
	}
	calendar := facts.NewCalendar(time.UTC)
	source, err := licences.Descriptor().Open(connectors.Section{Name: "licences", Dir: dir, Calendar: calendar, Now: a.instant,
		Decode: func(into any) error {
			_, err := reconcile.DecodeStrict("the demo", []byte(demoSection), into)
			return err
		}})
	if err != nil {
		return err
	}
	customers, err := source.Pull(ctx, connectors.Pull{Feed: facts.FeedPeople, AsOf: a.instant(), Observed: a.instant(),
		Calendar: calendar, Raw: archive{raw: store.Discard()}, Workers: 1})
	if err != nil {
		return err
	}
	text := customers.Strings.Text
	for n := range customers.People.Len() {
		for _, product := range customers.People.Groups.At(n) {
			seat := connectors.Seat{Account: text(customers.People.ID[n]), Product: text(product)}
			if slices.ContainsFunc(manifest.Cases, func(c fixtures.Case) bool {
				return c.Holder == seat.Account && c.Product == seat.Product && c.Verdict == reconcile.Missing.String()
			}) {
				continue
			}
			if _, err := source.(connectors.Assigner).Assign(ctx, seat, ""); err != nil {
				return err
			}
		}
	}
	return nil
}
