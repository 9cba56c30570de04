package flexlm

import (
	"strconv"
	"strings"
	"time"

	"trueup/facts"
)

// grant is one line of a licence file, or one row of lmstat -i, that lets a number of licences be used.
type grant struct {
	feature, vendor, version string
	count                    int64
	uncounted                bool
	start, expires, issued   facts.Day // NoDay: at once, never, not told
	serial                   string    // SN
	first                    bool      // FEATURE: only the first line of its name counts
	supersede                bool      // replaces older lines of the feature, or of the features in supersedes
	supersedes               []string
	line                     string // the whole line; "" of lmstat -i
	listed                   bool   // by lmstat -i
	// components are the features of a PACKAGE, by how many licences one of the package gives; the line itself gives none.
	components map[string]int64
}

// readTerms reads when a line ends and how many licences it gives.
func (g *grant) readTerms(expires, count string) (reason string) {
	var ok bool
	if g.expires, ok = expiry(expires); !ok {
		return "has an expiry date that is not understood"
	}
	if strings.EqualFold(count, "uncounted") || count == "0" {
		g.uncounted = true
		return ""
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 0 || n > mostLicenses {
		return "has no number of licenses"
	}
	g.count = n
	return ""
}

// expiry reads 31-dec-2027; permanent, with whatever is in brackets behind it, and the year 0 mean never.
func expiry(text string) (facts.Day, bool) {
	if len(text) >= len("permanent") && strings.EqualFold(text[:len("permanent")], "permanent") {
		return facts.NoDay, true
	}
	parts := strings.Split(text, "-")
	if len(parts) != 3 || len(parts[1]) != 3 {
		return facts.NoDay, false
	}
	day, err1 := strconv.Atoi(parts[0])
	year, err2 := strconv.Atoi(parts[2])
	month := time.Month(0)
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(parts[1], m.String()[:3]) {
			month = m
		}
	}
	switch {
	case err1 != nil || err2 != nil || month == 0 || day < 1 || day > 31:
		return facts.NoDay, false
	case year == 0:
		return facts.NoDay, true
	case year < 1900 || year > 9999:
		return facts.NoDay, false
	}
	date := facts.Date(year, month, day)
	_, m, _ := date.Civil()
	return date, m == month
}

// licenseFile reads a licence file. Lines that end in a backslash go on in the next one; a value with blanks stands in
// quotation marks. SIGN and the older signatures say nothing that is needed, and are shown nowhere.
type licenseFile struct {
	grant func(grant)
	begun string // lines that ended in a backslash
}

// keywords begin the lines of a licence file.
var keywords = []string{"SERVER", "VENDOR", "DAEMON", "USE_SERVER", "FEATURE", "INCREMENT", "PACKAGE", "UPGRADE"}

// keyword returns the keyword that a line begins with.
func keyword(line string) (string, bool) {
	word, _, _ := strings.Cut(strings.Replace(strings.TrimSpace(line), "\t", " ", 1), " ")
	for _, k := range keywords {
		if strings.EqualFold(word, k) {
			return k, true
		}
	}
	return "", false
}

// longest is how many bytes a line with all that it goes on in may have.
const longest = 1 << 20

func (p *licenseFile) line(text string) (int64, string) {
	if p.begun == "" && strings.HasPrefix(strings.TrimSpace(text), "#") {
		return 0, ""
	}
	if _, known := keyword(text); p.begun == "" && !known {
		return 0, "is no line of a license file"
	}
	if rest, more := strings.CutSuffix(text, "\\"); more {
		if p.begun += rest + " "; len(p.begun) > longest {
			p.begun = ""
			return 0, "goes on for too long"
		}
		return 0, ""
	}
	whole := p.begun + text
	p.begun = ""
	return p.whole(whole)
}

func (p *licenseFile) end() string {
	if p.begun != "" {
		return "ends in a line that goes on"
	}
	return ""
}

// whole reads a line with all that it goes on in.
func (p *licenseFile) whole(text string) (int64, string) {
	words, ok := wordsOf(text)
	if !ok {
		return 0, "has a quotation mark that is not closed"
	}
	kind, _ := keyword(words[0])
	g := grant{start: facts.NoDay, expires: facts.NoDay, issued: facts.NoDay, line: strings.Join(words, " ")}
	var options []string
	switch kind {
	case "SERVER", "VENDOR", "DAEMON", "USE_SERVER":
		return 1, ""
	case "UPGRADE": // makes licences newer, not more
		return 1, ""
	case "PACKAGE":
		if len(words) < 4 {
			return 0, "is a package without a name, vendor or version"
		}
		g.feature, g.vendor, g.version, options = words[1], words[2], words[3], words[4:]
		g.components = map[string]int64{}
	default:
		if len(words) < 6 {
			return 0, "has no name, vendor, version, expiry date and number of licenses"
		}
		g.feature, g.vendor, g.version, options = words[1], words[2], words[3], words[6:]
		g.first = kind == "FEATURE"
		if reason := g.readTerms(words[4], words[5]); reason != "" {
			return 0, reason
		}
	}
	if reason := g.readOptions(options); reason != "" {
		return 0, reason
	}
	if p.grant != nil {
		p.grant(g)
	}
	return 1, ""
}

// readOptions reads the words behind the fixed ones that say how many licences there are, and when.
func (g *grant) readOptions(options []string) (reason string) {
	for _, option := range options {
		key, value, _ := strings.Cut(option, "=")
		value = strings.Trim(value, "\"")
		ok := true
		switch strings.ToUpper(key) {
		case "START":
			g.start, ok = expiry(value)
		case "ISSUED":
			g.issued, ok = expiry(value)
		case "SN":
			g.serial = value
		case "SUPERSEDE":
			g.supersede, g.supersedes = true, strings.Fields(value)
		case "COMPONENTS":
			ok = g.components == nil || g.readComponents(value)
		}
		if !ok {
			return "has a " + strings.ToUpper(key) + " that is not understood"
		}
	}
	return ""
}

// readComponents reads feature[:version[:count]] …
func (g *grant) readComponents(value string) bool {
	for _, word := range strings.Fields(value) {
		parts := strings.Split(word, ":")
		count := int64(1)
		if len(parts) > 2 && parts[2] != "" {
			n, err := strconv.ParseInt(parts[2], 10, 64)
			if err != nil || n < 0 || n > mostLicenses {
				return false
			}
			count = n
		}
		g.components[parts[0]] += count
	}
	return true
}

// wordsOf splits a line at blanks that stand in no quotation marks, which stay.
func wordsOf(text string) (words []string, ok bool) {
	from, quoted := -1, false
	for n := range len(text) {
		switch c := text[n]; {
		case c == '"':
			quoted = !quoted
			if from < 0 {
				from = n
			}
		case (c == ' ' || c == '\t') && !quoted:
			if from >= 0 {
				words = append(words, text[from:n])
			}
			from = -1
		case from < 0:
			from = n
		}
	}
	if from >= 0 {
		words = append(words, text[from:])
	}
	return words, !quoted && len(words) > 0
}
