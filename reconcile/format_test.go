package reconcile

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// The document that describes the formats is complete, and its examples are accepted.
func TestFormatsDocument(t *testing.T) {
	data, err := os.ReadFile("../docs/formats/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	var examples []string
	for _, part := range strings.Split(text, "```yaml\n")[1:] {
		example, _, _ := strings.Cut(part, "```")
		examples = append(examples, example)
	}
	if len(examples) != 2 {
		t.Fatalf("%d examples, want products.yaml and policy.yaml", len(examples))
	}
	c, err := ParseCatalogue("products.yaml", []byte(examples[0]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePolicy("policy.yaml", []byte(examples[1]), c); err != nil {
		t.Error(err)
	}
	for n := range attributes {
		if !strings.Contains(text, "`"+attributes[n].name+"`") {
			t.Errorf("attribute %s is not described", attributes[n].name)
		}
	}
	for _, section := range []any{Product{}, Policy{}, ReclaimRule{}, Exemption{}, LeaverRule{}, ApprovalRule{}} {
		for _, f := range fieldsOf(reflect.ValueOf(section)) {
			if !strings.Contains(text, "`"+f.name) {
				t.Errorf("%T: key %s is not described", section, f.name)
			}
		}
	}
}
