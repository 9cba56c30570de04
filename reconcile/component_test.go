package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trueup/facts"
)

// fillers keep every feed from being empty when a component is taken out, and hr a directory that keeps employee ids.
const fillers = `person Z1 email=z1@z.com employee_id=901
	person z1 source=ad email=z1@z.com hired= status=unknown
	person z1 source=okta email=z1@z.com hired= status=unknown
	person z1 source=figma email=z1@z.com hired= status=unknown
	person z1 source=contractors email=z1@z.com status=active`

// components divides the lines of a world by the names in them: what shares a name, or is named with something that does,
// belongs together. The rest of the lines, about feeds and contracts, belong to all.
func components(w world) (parts map[string][]string, shared []string) {
	parent := map[string]string{}
	var find func(string) string
	find = func(x string) string {
		if p, ok := parent[x]; ok && p != x {
			return find(p)
		}
		parent[x] = x
		return x
	}
	names := func(line string) []string {
		word, named := fields(line)
		var list []string
		switch word[0] {
		case "person":
			list = append(list, word[1], named["email"], named["employee_id"])
			list = append(list, split(named["aliases"])...)
		case "seat":
			list = append(list, word[2], named["login"])
		case "use":
			list = append(list, word[2])
		}
		for n, name := range list {
			list[n] = strings.ReplaceAll(strings.ToLower(name), "@old.com", "@x.com")
		}
		return slices.DeleteFunc(list, func(name string) bool { return name == "" })
	}
	join := func(list []string) {
		for _, name := range list {
			parent[find(name)] = find(list[0])
		}
	}
	for _, m := range w.identity.Mapping {
		join([]string{strings.ToLower(m.Account), strings.ToLower(m.Person)})
	}
	for _, line := range w.lines {
		if line == "" {
			continue
		}
		if list := names(line); len(list) > 0 {
			join(list)
		}
		if word, _ := fields(line); len(word) == 5 && word[1] == "linked" { // what an earlier run found out connects, too
			join([]string{strings.ToLower(word[3]), strings.ToLower(word[4])})
		}
	}
	parts = map[string][]string{}
	for _, line := range w.lines {
		if line == "" {
			continue
		}
		if list := names(line); len(list) > 0 {
			parts[find(list[0])] = append(parts[find(list[0])], line)
		} else {
			shared = append(shared, line)
		}
	}
	return parts, shared
}

// rowsOfHolders writes all that is decided about each row, but for what it waits for and what it is worth.
func rowsOfHolders(p *Plan) map[string][]string {
	rows := map[string][]string{}
	for n := range p.Rows {
		row := &p.Rows[n]
		text := fmt.Sprintf("%s %s %s %v: %s %s %s", p.Holder(n), p.AccountName(n), p.ProductOf(n).ID, p.RowPaths(n), row.Verdict, row.Reasons, row.Kind)
		text += fmt.Sprintf(" to %d covered by %d, %d idle days since %s and %s, situation %s, until %s", row.To, row.Covering, row.IdleDays, row.Clock, row.LastUse, row.Situation, row.Due)
		for _, s := range p.RowSignals(n) {
			text += fmt.Sprintf(", %d %s %t", s.Input, s.Last, s.Complete)
			if s.Input >= 0 {
				text += fmt.Sprintf(" %s %s", p.Inputs[s.Input].From, p.Inputs[s.Input].To)
			}
		}
		rows[p.Holder(n)] = append(rows[p.Holder(n)], text)
	}
	return rows
}

// TestComponentsOfAnyOrganisation: any connected component of identity keys, taken out of an organisation and decided alone,
// gives the same rows.
func TestComponentsOfAnyOrganisation(t *testing.T) {
	worlds := worlds()
	rapid.Check(t, func(r *rapid.T) {
		w := worlds.Draw(r, "world")
		parts, shared := components(w)
		of := func(lines []string) map[string][]string {
			part := w
			part.lines = append(slices.Clone(lines), fillers)
			return rowsOfHolders(part.organisation(t).decide())
		}
		together := of(w.lines)
		seen := of(shared)
		for _, name := range slices.Sorted(maps.Keys(parts)) {
			for holder, alone := range of(append(slices.Clone(shared), parts[name]...)) {
				if !slices.Equal(together[holder], alone) {
					r.Errorf("%s together:\n%s\nalone:\n%s\n%s", holder, strings.Join(together[holder], "\n"), strings.Join(alone, "\n"), w)
				}
				seen[holder] = alone
			}
		}
		for holder := range together {
			if seen[holder] == nil {
				r.Errorf("%s has no rows alone\n%s", holder, w)
			}
		}
	})
}

// TestAnyOrderOfAnyOrganisation: whatever the order of the records and the division into files, the decisions are the same.
func TestAnyOrderOfAnyOrganisation(t *testing.T) {
	worlds := worlds()
	rapid.Check(t, func(r *rapid.T) {
		w := worlds.Draw(r, "world")
		var records, rest []string
		for _, line := range w.lines {
			if strings.HasPrefix(line, "person") || strings.HasPrefix(line, "seat") || strings.HasPrefix(line, "use") || strings.HasPrefix(line, "contract") {
				records = append(records, line)
				continue
			}
			rest = append(rest, line)
		}
		other := w
		other.lines = append(rapid.Permutation(records).Draw(r, "order"), rest...)
		a, b := w.organisation(t), other.organisation(t)
		before := a.decide()
		for _, f := range b.feeds {
			f.Files = []facts.File{{Name: "a", Rows: f.Rows / 3}, {Name: "b", Rows: f.Rows - f.Rows/3}}
		}
		if after := b.decide(); before.Decisions != after.Decisions || actions(before) != actions(after) {
			r.Errorf("in another order:\n%s\n\n%s\n%s", actions(before), actions(after), w)
		}
	})
}

// TestDecidedAgain: what is decided again, from the same snapshot, from its stored form, or the next time with the cases
// that it opened, is the same.
func TestDecidedAgain(t *testing.T) {
	worlds := worlds()
	rapid.Check(t, func(r *rapid.T) {
		o := worlds.Draw(r, "world").organisation(t)
		c, policy := o.rules()
		options := Options{Identity: o.identity, Closures: o.closures, Build: "test"}
		s := o.freeze()
		first, err := Decide(s, c, policy, options)
		if err != nil {
			r.Fatal(err)
		}
		again, err := Decide(s, c, policy, options)
		if err != nil || again.Digest != first.Digest {
			r.Fatalf("decided again: %s, %s, %v", first.Digest, again.Digest, err)
		}
		var stored strings.Builder
		if err := s.Encode(&stored); err != nil {
			r.Fatal(err)
		}
		read, err := facts.DecodeSnapshot(strings.NewReader(stored.String()))
		if err != nil {
			r.Fatal(err)
		}
		if again, err = Decide(read, c, policy, options); err != nil || again.Digest != first.Digest {
			r.Fatalf("decided from the stored snapshot: %s, %s, %v", first.Digest, again.Digest, err)
		}
		for n := range first.Actions {
			x := &first.Actions[n]
			o.prior.Cases = append(o.prior.Cases, facts.Case{ID: x.ID, State: x.State.String(), Opened: s.Today(), Due: x.Due,
				Verdict: first.Rows[x.Row].Verdict.String(), Paths: strings.Join(first.RowPaths(int(x.Row)), ";")})
		}
		next := o.decide()
		if next.Decisions != first.Decisions || actions(next) != actions(first) {
			r.Errorf("with its own cases:\n%s\n\n%s", actions(first), actions(next))
		}
	})
}
