package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSpoiledInputs spoils the good exports in 200 ways drawn from as many seeds: cut anywhere, emptied, with records
// twice, in another order, or left lying until they are stale. Nothing may be taken from anybody, now or after a notice or
// an approval, that would not be taken with the good ones: what remains is what the records that are there prove by
// themselves, of the same holder, product and verdict.
func TestSpoiledInputs(t *testing.T) {
	const groups, seeds = 8, 25
	for group := range groups {
		t.Run(fmt.Sprint(group), func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			good, _ := o.plan()
			whole := takings(good)
			if len(whole) != 6 {
				t.Fatalf("the good exports take %v", whole)
			}
			for seed := range seeds {
				random := rand.New(rand.NewPCG(uint64(group), uint64(seed)))
				o.reset()
				o.clock.base = time.Date(2026, 6, 30, 22, 5, 0, 0, time.UTC)
				done := o.spoil(random)
				r := o.trueup("plan", "--output", "json")
				if r.out == "" {
					continue // no plan, nothing taken
				}
				for what := range takings(parsePlan(t, r.out)) {
					if !whole[what] {
						t.Errorf("seed %d of %d, %s: takes %s", seed, group, done, what)
					}
				}
			}
		})
	}
}

// takings lists what a plan takes away, but for what is withheld.
func takings(p *planDocument) map[string]bool {
	set := map[string]bool{}
	for n := range p.Rows {
		r := &p.Rows[n]
		if (r.Action.Kind == "revoke" || r.Action.Kind == "downgrade") && r.Action.State != "withheld" && r.Action.State != "blocked" {
			set[fmt.Sprintf("%s %s %s %s", r.Holder, r.Product, r.Verdict, r.Action.Kind)] = true
		}
	}
	return set
}

// spoil spoils one file, or lets time pass, and says what it did.
func (o *office) spoil(random *rand.Rand) string {
	files := o.files()
	name := slices.Sorted(maps.Keys(files))[random.IntN(len(files))]
	text := files[name]
	switch random.IntN(6) {
	case 0:
		at := random.IntN(len(text))
		o.write(name, text[:at])
		return fmt.Sprintf("%s cut after %d bytes", name, at)
	case 1:
		records, join := recordsOf(text)
		left := random.IntN(len(records))
		o.write(name, join(records[:left]))
		return fmt.Sprintf("%s cut after %d records", name, left)
	case 2:
		o.write(name, strings.Repeat("\n", random.IntN(3)))
		return name + " emptied"
	case 3:
		records, join := recordsOf(text)
		for range 1 + random.IntN(4) {
			records = append(records, records[random.IntN(len(records))])
		}
		o.write(name, join(records))
		return name + " with records twice"
	case 4:
		records, join := recordsOf(text)
		random.Shuffle(len(records), func(a, b int) { records[a], records[b] = records[b], records[a] })
		o.write(name, join(records))
		return name + " shuffled"
	}
	days := 1 + random.IntN(90)
	o.clock.base = o.clock.base.AddDate(0, 0, days)
	return fmt.Sprintf("all files %d days old", days)
}

// recordsOf divides a file into its records, and returns how they become a file again.
func recordsOf(text string) (records []string, join func([]string) string) {
	if text[0] != '[' && text[0] != '{' {
		lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
		lines[len(lines)-1] += "\n"
		return lines[1:], func(list []string) string { return lines[0] + strings.Join(list, "") }
	}
	open, end := strings.Index(text, "["), strings.LastIndex(text, "]")
	decoder := json.NewDecoder(bytes.NewReader([]byte(text[open:])))
	var list []json.RawMessage
	if err := decoder.Decode(&list); err != nil {
		panic(err) // the good exports can be read
	}
	for _, record := range list {
		records = append(records, string(record))
	}
	return records, func(list []string) string { return text[:open+1] + strings.Join(list, ",") + text[end:] }
}
