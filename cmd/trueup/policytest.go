package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trueup/facts"
	"trueup/reconcile"
	"trueup/reconcile/trial"
	"trueup/reports"
)

// policyTest is what policy test was asked for.
type policyTest struct {
	policy, products string // files; "" are those of the configuration
	minCoverage      float64
}

func (a *app) policyTestCommand() *cobra.Command {
	var ask policyTest
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Try a policy on cases that say what it must conclude",
		Long: "test decides the cases of the files by the engine that decides everything else, compares verdict, action and rule\n" +
			"with what they expect, and says which rules no case hit. docs/formats/policy-tests.md describes the files. Without\n" +
			"--policy and --products those of the configuration are tried; with both no configuration is needed.\n" +
			codesHelp(exitDone, exitUsage, exitVerification),
		Example: `  trueup policy test policy_test.yaml
  trueup policy test --min-coverage 100 tests/*.yaml
  trueup policy test --policy next.yaml --products products.yaml policy_test.yaml --output json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return mistakef(cmd.CommandPath()+" --help", "%s wants at least one FILE", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.policyTest(ask, args) },
	}
	cmd.Flags().StringVar(&ask.policy, "policy", "", "try this policy instead of the configuration's")
	cmd.Flags().StringVar(&ask.products, "products", "", "with these products instead of the configuration's")
	cmd.Flags().Float64Var(&ask.minCoverage, "min-coverage", 0, "fail if the cases hit less than this percentage of the rules")
	return cmd
}

func (a *app) policyTest(ask policyTest, files []string) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	if ask.minCoverage < 0 || ask.minCoverage > 100 {
		return mistakef("a percentage from 0 to 100", "--min-coverage %g cannot be", ask.minCoverage)
	}
	bench, err := a.bench(ask)
	if err != nil {
		return err
	}
	suites, err := readSuites(files, bench.Catalogue)
	if err != nil {
		return err
	}
	t := tested{bench: bench}
	for _, s := range suites {
		if err := t.run(s); err != nil {
			return err
		}
	}
	t.rules = trial.Coverage(bench.Policy, t.results)
	if t.failed > 0 || t.percent() < ask.minCoverage {
		a.exit = exitVerification
	}
	if a.output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(t.document())
	}
	return a.printTests(&t, ask.minCoverage)
}

// bench reads policy and products: those named, else those of the configuration, whose identity and calendar then hold.
func (a *app) bench(ask policyTest) (*trial.Bench, error) {
	b := &trial.Bench{Calendar: facts.NewCalendar(time.UTC)}
	if ask.policy == "" || ask.products == "" {
		s, err := a.load()
		if err != nil {
			return nil, err
		}
		b.Catalogue, b.Policy, b.Options, b.Calendar = s.catalogue, s.policy, s.options, s.calendar
		if ask.products != "" && ask.policy == "" { // the configuration's policy, with other products
			ask.policy = s.resolve(s.config.Policy)
		}
	}
	if ask.products != "" {
		data, err := readFile("products", ask.products)
		if err != nil {
			return nil, err
		}
		if b.Catalogue, err = reconcile.ParseCatalogue(ask.products, data); err != nil {
			return nil, err
		}
	}
	if ask.policy != "" {
		data, err := readFile("policy", ask.policy)
		if err != nil {
			return nil, err
		}
		if b.Policy, err = reconcile.ParsePolicy(ask.policy, data, b.Catalogue); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readFile reads a file that the command line names.
func readFile(what, path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, mistakef("", "%s: %v", what, err)
	}
	return data, nil
}

// readSuites reads the files of cases; all mistakes come together.
func readSuites(files []string, c *reconcile.Catalogue) ([]*trial.Suite, error) {
	var suites []*trial.Suite
	var faults reconcile.Faults
	for _, file := range files {
		data, err := readFile("cases", file)
		if err != nil {
			return nil, err
		}
		s, err := trial.ParseSuite(file, data, c)
		if err := gather(&faults, err); err != nil {
			return nil, err
		}
		suites = append(suites, s)
	}
	return suites, faults.Err()
}

// tested is what came of the cases.
type tested struct {
	bench   *trial.Bench
	suites  []*trial.Suite
	results []*trial.Result // of all suites' cases, in order
	rules   []trial.Rule
	failed  int
}

func (t *tested) run(s *trial.Suite) error {
	t.suites = append(t.suites, s)
	for n := range s.Cases {
		r, err := t.bench.Verify(&s.Cases[n])
		if err != nil {
			return err
		}
		if len(r.Mismatches) > 0 {
			t.failed++
		}
		t.results = append(t.results, r)
	}
	return nil
}

// percent is how many of the rules the cases hit; all of none.
func (t *tested) percent() float64 {
	if len(t.rules) == 0 {
		return 100
	}
	return 100 * float64(t.hits()) / float64(len(t.rules))
}

func (t *tested) hits() (n int) {
	for _, rule := range t.rules {
		if rule.Hit {
			n++
		}
	}
	return n
}

// of yields the results of each suite.
func (t *tested) of(do func(s *trial.Suite, results []*trial.Result)) {
	from := 0
	for _, s := range t.suites {
		do(s, t.results[from:from+len(s.Cases)])
		from += len(s.Cases)
	}
}

// testedCase is a case in the JSON output.
type testedCase struct {
	File       string           `json:"file"`
	Line       int              `json:"line"`
	Name       string           `json:"name"`
	Pass       bool             `json:"pass"`
	Mismatches []trial.Mismatch `json:"mismatches"`
	Rules      []string         `json:"rules"`
}

func (t *tested) document() map[string]any {
	cases := []testedCase{}
	t.of(func(s *trial.Suite, results []*trial.Result) {
		for _, r := range results {
			cases = append(cases, testedCase{s.File, r.Case.Line, r.Case.Name, len(r.Mismatches) == 0, orEmpty(r.Mismatches), orEmpty(r.Rules)})
		}
	})
	return map[string]any{"cases": cases, "passed": len(cases) - t.failed, "failed": t.failed,
		"coverage": map[string]any{"rules": orEmpty(t.rules), "hit": t.hits(), "of": len(t.rules), "percent": t.percent()}}
}

// printTests writes the results as go test does: what failed, and a line for each file.
func (a *app) printTests(t *tested, least float64) error {
	var out bytes.Buffer
	var failure error
	t.of(func(s *trial.Suite, results []*trial.Result) {
		failed := 0
		for _, r := range results {
			switch {
			case len(r.Mismatches) > 0:
				failed++
				fmt.Fprintf(&out, "--- FAIL: %s (%s:%d)\n", r.Case.Name, s.File, r.Case.Line)
				if err := a.explainFailure(&out, t.bench, r); err != nil {
					failure = err
				}
			case a.verbose:
				fmt.Fprintf(&out, "--- PASS: %s (%s:%d)\n", r.Case.Name, s.File, r.Case.Line)
			}
		}
		if failed > 0 {
			fmt.Fprintf(&out, "FAIL  %s  %d of %s failed\n", s.File, failed, count(len(results), "case"))
		} else {
			fmt.Fprintf(&out, "ok    %s  %s\n", s.File, count(len(results), "case"))
		}
	})
	if failure != nil {
		return failure
	}
	fmt.Fprintf(&out, "rules: %d of %d hit", t.hits(), len(t.rules))
	for n, rule := range missed(t.rules) {
		fmt.Fprintf(&out, "%s%s of %s", map[bool]string{true: "; no case hits ", false: ", "}[n == 0], rule.Name, rule.Product)
	}
	out.WriteByte('\n')
	if t.percent() < least {
		fmt.Fprintf(&out, "FAIL  %.1f %% of the rules are hit, less than %g %%\n", t.percent(), least)
	}
	_, err := a.stdout.Write(out.Bytes())
	return err
}

func missed(rules []trial.Rule) (list []trial.Rule) {
	for _, rule := range rules {
		if !rule.Hit {
			list = append(list, rule)
		}
	}
	return list
}

// explainFailure writes what differs, and why the rows are as they are.
func (a *app) explainFailure(out *bytes.Buffer, b *trial.Bench, r *trial.Result) error {
	explained := map[int]bool{-1: true}
	for _, m := range r.Mismatches {
		name := m.Field
		if m.Product != "" {
			name = m.Product + " " + m.Field
		}
		fmt.Fprintf(out, "    %s\n        want %s\n        got  %s\n", name, dash(m.Want), dash(m.Got))
	}
	for _, m := range r.Mismatches {
		if explained[m.Row] {
			continue
		}
		explained[m.Row] = true
		view, err := reports.Build(r.Plan, reconcile.Run{}, nil, b.Policy)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := reports.WriteExplanations(&text, reports.Explain(view, r.Plan.Holder(m.Row), m.Product), false); err != nil {
			return err
		}
		for line := range strings.Lines(strings.Trim(text.String(), "\n")) {
			out.WriteString("    " + strings.TrimRight(line, "\n"))
			out.WriteByte('\n')
		}
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
