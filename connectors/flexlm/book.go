package flexlm

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"trueup/facts"
)

// book collects what licence files and lmstat -i let a server serve.
type book struct {
	files    []grant // of licence files
	known    map[string]bool
	listed   []grant // of the newest answer of lmstat -i
	answers  int     // files so far
	newest   int     // the file that listed is from
	repeated int64
}

// answer begins a file and returns its number: lmstat -i tells the whole state, so that a newer answer replaces an older
// one, while several licence files of a server add up.
func (b *book) answer() int {
	b.answers++
	return b.answers
}

func (b *book) add(g grant, answer int) {
	if g.listed {
		if answer != b.newest {
			b.listed, b.newest = b.listed[:0], answer
		}
		b.listed = append(b.listed, g)
		return
	}
	if b.known == nil {
		b.known = map[string]bool{}
	}
	if b.known[g.line] { // the same line in another copy of the file
		b.repeated++
		return
	}
	b.known[g.line] = true
	b.files = append(b.files, g)
}

// standing returns the lines that count, with what packages come to in place of them. Of several FEATURE lines of one
// name the first counts; INCREMENT lines add up. A line with SUPERSEDE replaces those that were issued before it; lines
// of the same day stand side by side. Without a licence file, what lmstat -i lists counts.
func (b *book) standing() []grant {
	all := b.files
	if len(all) == 0 {
		all = b.listed
	}
	var lines []grant
	first := map[string]bool{}
	for n := range all {
		g := &all[n]
		switch {
		case g.components != nil || superseded(g, all):
			continue
		case g.first && first[g.feature]:
			continue
		case g.first:
			first[g.feature] = true
		}
		lines = append(lines, *g)
	}
	return append(lines, unpacked(all, lines)...)
}

// unpacked returns what the packages among lines give of their components.
func unpacked(all, lines []grant) []grant {
	var parts []grant
	for n := range all {
		p := &all[n]
		if p.components == nil {
			continue
		}
		for _, line := range lines {
			if line.feature != p.feature || line.vendor != p.vendor {
				continue
			}
			for _, feature := range slices.Sorted(maps.Keys(p.components)) {
				part := line
				part.feature, part.count = feature, line.count*p.components[feature]
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// superseded reports whether a later line replaces g.
func superseded(g *grant, all []grant) bool {
	return slices.ContainsFunc(all, func(by grant) bool {
		if !by.supersede || by.vendor != g.vendor || g.since() >= by.since() {
			return false
		}
		if len(by.supersedes) > 0 {
			return slices.Contains(by.supersedes, g.feature)
		}
		return by.feature == g.feature
	})
}

// since is the day by which a line is older than another.
func (g *grant) since() facts.Day {
	if g.issued.Known() {
		return g.issued
	}
	return g.start
}

// inForce reports whether the line lets licences be used on a day.
func (g *grant) inForce(day facts.Day) bool {
	return (!g.start.Known() || g.start <= day) && (!g.expires.Known() || day <= g.expires)
}

// purchases writes each line that counts as what was bought, by the name of its feature.
func (b *book) purchases(o *facts.Observation) {
	lines := b.standing()
	slices.SortStableFunc(lines, func(x, y grant) int { return cmp.Or(cmp.Compare(x.feature, y.feature), cmp.Compare(x.line, y.line)) })
	same := map[string]int{}
	for n := range lines {
		g := &lines[n]
		if g.uncounted {
			continue
		}
		order := g.order()
		if same[order]++; same[order] > 1 {
			order = fmt.Sprintf("%s/%d", order, same[order])
		}
		o.AddPurchase(facts.Purchase{Contract: g.vendor, Product: g.feature, Quantity: g.count, Start: max(g.start, g.issued),
			End: g.expires, Notice: facts.NoDay, Order: order})
	}
}

// order tells the lines of a vendor apart, since each adds to the others: by the serial number and what else they say.
func (g *grant) order() string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s|%s|%s|%d|%s", g.feature, g.version, g.line, g.count, g.expires)))
	id := hex.EncodeToString(sum[:6])
	if g.serial != "" {
		return g.serial + "/" + id
	}
	return id
}

// notes says what a person should know about the lines.
func (b *book) notes() (notes []string) {
	if b.repeated > 0 {
		notes = append(notes, fmt.Sprintf("%d lines of licence files stand several times and count once", b.repeated))
	}
	replaced, unlimited := 0, 0
	for n := range b.files {
		if superseded(&b.files[n], b.files) {
			replaced++
		}
		if b.files[n].uncounted {
			unlimited++
		}
	}
	if replaced > 0 {
		notes = append(notes, fmt.Sprintf("%d lines of licence files are superseded by later ones", replaced))
	}
	if unlimited > 0 {
		notes = append(notes, fmt.Sprintf("%d lines of licence files are uncounted: there is nothing to count", unlimited))
	}
	return notes
}
