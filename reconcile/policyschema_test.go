package reconcile

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

func compiledPolicySchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := PolicySchema(Verdict.String)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// policiesOfTheHouse are the texts of all policies in the repository that are meant to be right, by where they stand.
func policiesOfTheHouse(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	placeholder := regexp.MustCompile(`\{\{\.[A-Za-z]+\}\}`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := filepath.Base(path)
		if name != "policy.yaml" && !strings.HasSuffix(filepath.ToSlash(path), "testdata/policy/contract.yaml") {
			return nil
		}
		data, err := os.ReadFile(path)
		all[path] = placeholder.ReplaceAllString(string(data), "2027-01-31")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("../docs/formats/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(manual), -1) {
		if strings.HasPrefix(block[1], "version: 1\n") {
			all["docs/formats/policy.md"] = block[1]
		}
	}
	all["orgPolicy"] = orgPolicy
	if len(all) < 6 {
		t.Fatalf("only %d policies were found: the test looks in the wrong place", len(all))
	}
	return all
}

// houseProducts are those that the policies of the repository name.
const houseProducts = `products:
  - {id: m365-e5, family: m365, tier: 3, covers: [power-bi-pro]}
  - {id: m365-e3, family: m365, tier: 2}
  - {id: m365-f3, family: m365, tier: 1}
  - {id: power-bi-pro}
  - {id: visio-p2}
  - {id: github-copilot}
  - {id: orbit-suite}
  - {id: figma}
  - {id: salesforce}
  - {id: suite}
  - {id: e5, covers: [e3]}
  - {id: pbi}
  - {id: e3}
`

// plain decodes YAML as a validator of JSON sees it.
func plain(t testing.TB, text string) any {
	t.Helper()
	var value any
	if _, err := DecodeStrict("policy.yaml", []byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// asJSON is a value as encoding/json reads it back, which is what the validator wants.
func asJSON(t testing.TB, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestPoliciesSatisfyTheSchema validates every policy in the repository.
func TestPoliciesSatisfyTheSchema(t *testing.T) {
	schema := compiledPolicySchema(t)
	for name, text := range policiesOfTheHouse(t) {
		if err := schema.Validate(asJSON(t, plain(t, text))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefuses: mistakes that an editor should mark while the file is written.
func TestSchemaRefuses(t *testing.T) {
	schema := compiledPolicySchema(t)
	for _, text := range []string{
		"mode: act", "version: 2", "version: 1\nmode: dry", "version: 1\nreclame: []",
		`version: 1
reclaim: [{product: "*", idle_after: 90, action: revoke}]`,
		`version: 1
reclaim: [{product: "*", idle_after: 0d, action: revoke}]`,
		`version: 1
reclaim: [{product: "*", idle_after: 90d, action: issue}]`,
		`version: 1
reclaim: [{product: e5, idle_after: 90d, action: downgrade}]`,
		"version: 1\nexempt: [{reason: r, author: a}]",
		"version: 1\nexempt: [{reason: r, author: ' ', until: 2027-01-01}]",
		"version: 1\nexempt: [{reason: r, author: a, until: 2027-01-01, from: [in-use]}]",
		"version: 1\nleaver: {grace: 1week}",
		"version: 1\nleaver: {action: downgrade}",
		"version: 1\napproval: {unattended: [protected]}",
		"version: 1\napproval: {roles: {idel: manager}}",
		"version: 1\nbuffers: {e5: {}}",
		"version: 1\nguards: {actions: {run: 0}}",
		"version: 1\nguards: {match_rate: 95}",
	} {
		if schema.Validate(asJSON(t, plain(t, text))) == nil {
			t.Errorf("accepted:\n%s", text)
		}
	}
}

// TestRefusedBySchemaIsRefused: whatever the schema refuses, ParsePolicy refuses. The samples are right policies with a
// few values removed, renamed, moved or replaced.
func TestRefusedBySchemaIsRefused(t *testing.T) {
	schema, policies := compiledPolicySchema(t), policiesOfTheHouse(t)
	catalogue, err := ParseCatalogue("products.yaml", []byte(houseProducts))
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(policies, func(name, text string) bool { // of others every change would be refused
		_, err := ParsePolicy(name, []byte(text), catalogue)
		return err != nil
	})
	names := slices.Sorted(maps.Keys(policies))
	if len(names) < 6 {
		t.Fatalf("only %v can be changed", names)
	}
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		var value any
		name := rapid.SampledFrom(names).Draw(t, "policy")
		if _, err := DecodeStrict(name, []byte(policies[name]), &value); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			value = mutate(t, value, 0)
		}
		text, err := json.Marshal(value) // JSON is YAML
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		wrong := schema.Validate(doc)
		if wrong == nil {
			return
		}
		refused++
		if _, err := ParsePolicy("policy.yaml", text, catalogue); err == nil {
			t.Fatalf("accepted, though the schema says %v:\n%s", wrong, text)
		}
	})
	if refused < 10 {
		t.Errorf("the schema refused %d samples only", refused)
	}
}

// mutate changes one value somewhere below.
func mutate(t *rapid.T, value any, depth int) any {
	here := rapid.IntRange(0, 3).Draw(t, "here") == 0 && depth > 0
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 || here {
			break
		}
		key := rapid.SampledFrom(slices.Sorted(maps.Keys(v))).Draw(t, "key")
		changed := maps.Clone(v)
		switch rapid.IntRange(0, 5).Draw(t, "how") {
		case 0:
			delete(changed, key)
		case 1:
			changed[rapid.SampledFrom([]string{"when", "action", "to", "spare", "from", "product", "idle", "future", "canary", "grace"}).Draw(t, "name")] = oddValue(t)
		default:
			changed[key] = mutate(t, v[key], depth+1)
		}
		return changed
	case []any:
		if len(v) == 0 || here {
			break
		}
		n := rapid.IntRange(0, len(v)-1).Draw(t, "item")
		changed := slices.Clone(v)
		if rapid.IntRange(0, 4).Draw(t, "how") == 0 {
			return append(changed, v[n])
		}
		changed[n] = mutate(t, v[n], depth+1)
		return changed
	}
	return oddValue(t)
}

func oddValue(t *rapid.T) any {
	return rapid.SampledFrom([]any{nil, true, 0, 1, -1, 2.5, 250, "", " ", "5", "-0", "+3", "2%", "2", "90d", "0d", "007d", "-3d", "24h", "0",
		"1h-2m", "true", "revoke", "downgrade", "keep", "issue", "idle", "leaver", "orphan", "act", "observe", "2027-01-31", "2027-13-01", "*", "m365-e5",
		"person.known", []any{}, []any{nil}, []any{"idle", "idle"}, []any{"leaver"}, map[string]any{}, map[string]any{"spare": "3%"},
		map[string]any{"idle": "manager"}, map[string]any{"run": 3}}).Draw(t, "value")
}
