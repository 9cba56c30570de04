package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// agree decides a world twice and returns how the engine and the oracle differ, "" if they do not.
func agree(t testing.TB, w world) (string, *Plan) {
	o := w.organisation(t)
	p := o.decide()
	var engine, oracle []string
	for n := range p.Rows {
		row := &p.Rows[n]
		j := judgement{holder: p.Holder(n), account: p.AccountName(n), product: p.ProductOf(n).ID, verdict: row.Verdict, reasons: row.Reasons, kind: row.Kind,
			clock: row.Clock, idle: int(row.IdleDays)}
		if row.To != NoProductID {
			j.to = p.Catalogue.Products[row.To].ID
		}
		if row.Covering != NoProductID {
			j.covering = p.Catalogue.Products[row.Covering].ID
		}
		if !row.Held {
			j.account = ""
		}
		engine = append(engine, j.String())
	}
	for _, j := range newOracle(o).judge() {
		oracle = append(oracle, j.String())
	}
	slices.Sort(engine)
	slices.Sort(oracle)
	return difference(engine, oracle), p
}

// difference lists what stands in only one of two sorted lists.
func difference(engine, oracle []string) string {
	var b strings.Builder
	for _, line := range engine {
		if !slices.Contains(oracle, line) {
			fmt.Fprintf(&b, "engine %s\n", line)
		}
	}
	for _, line := range oracle {
		if !slices.Contains(engine, line) {
			fmt.Fprintf(&b, "oracle %s\n", line)
		}
	}
	if b.Len() == 0 && len(engine) != len(oracle) {
		return fmt.Sprintf("%d rows and %d rows", len(engine), len(oracle))
	}
	return b.String()
}

// smallest leaves out lines as long as engine and oracle still differ.
func smallest(t testing.TB, w world) world {
	for again := true; again; {
		again = false
		for n := range w.lines {
			less := w
			less.lines = slices.Delete(slices.Clone(w.lines), n, n+1)
			if diff, _ := agree(t, less); diff != "" {
				w, again = less, true
				break
			}
		}
	}
	policy := strings.Split(w.policy, "\n")
	for again := true; again; {
		again = false
		for n := range policy {
			if !strings.HasPrefix(policy[n], "  - ") && !strings.Contains(policy[n], "{") {
				continue
			}
			less := w
			rest := slices.Delete(slices.Clone(policy), n, n+1)
			less.policy = strings.Join(rest, "\n")
			less.policy = strings.ReplaceAll(less.policy+"\n", "exempt:\n\n", "\n")
			if strings.Contains(less.policy, "reclaim:\nleaver") || strings.Contains(less.policy, "eligibility:\nexempt") || strings.HasSuffix(strings.TrimSpace(less.policy), ":") {
				continue
			}
			if diff, _ := agree(t, less); diff != "" {
				w, policy, again = less, rest, true
				break
			}
		}
	}
	return w
}

// TestOracleAgrees compares the engine with the oracle, row by row.
func TestOracleAgrees(t *testing.T) {
	var verdicts [len(verdictNames)]int
	var reasons [len(reasonNames)]int
	worlds := worlds()
	shown := 0
	seeds := 400
	if testing.Short() {
		seeds = 150
	}
	for seed := range seeds {
		w := worlds.Example(seed)
		diff, p := agree(t, w)
		if diff != "" && testing.Short() {
			t.Fatalf("seed %d:\n%s\n%s", seed, diff, w)
		}
		if diff != "" {
			w = smallest(t, w)
			diff, _ = agree(t, w)
			t.Errorf("seed %d:\n%s\n%s", seed, diff, w)
			if shown++; shown > 5 {
				t.FailNow()
			}
			continue
		}
		for n := range p.Rows {
			verdicts[p.Rows[n].Verdict]++
			for _, r := range p.Rows[n].Reasons.List() {
				reasons[r]++
			}
		}
	}
	for v, n := range verdicts {
		if n == 0 && !testing.Short() {
			t.Errorf("no row was %s", Verdict(v))
		}
	}
	for r, n := range reasons {
		if n == 0 && !testing.Short() {
			t.Errorf("no row had the reason %s", Reason(r))
		}
	}
	t.Log(verdicts, reasons)
	rapid.Check(t, func(r *rapid.T) {
		w := worlds.Draw(r, "world")
		if diff, _ := agree(t, w); diff != "" {
			r.Fatalf("%s\n%s", diff, w)
		}
	})
}
