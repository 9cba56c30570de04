package reconcile

import (
	"crypto/sha256"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trueup/facts"
)

func TestParseCatalogue(t *testing.T) {
	data := testFile(t, "catalogue/products.yaml")
	c := testCatalogue(t)
	if c.SHA256 != facts.Digest(sha256.Sum256(data)) {
		t.Errorf("digest %s is not that of the file", c.SHA256)
	}
	want := []Product{
		{ID: "m365-e5", Name: "Microsoft 365 E5", Vendor: "Microsoft", Category: "office", Family: "m365", Tier: 3,
			Covers: []string{"power-bi-pro"}, Metric: NamedUser,
			SeatsFrom: map[string][]string{"entra": {"06ebc4ee-1bb5-47dd-8120-11324bc54e06"}},
			Activity: map[string]Activity{"okta": {Applications: []string{"Microsoft Office 365"}},
				"entra": {Events: []string{"interactive", "non-interactive"}}},
			Needs: map[string]Activity{"entra": {Applications: []string{"Power BI Pro", "Defender"}}},
			Owner: "owner@example.com", ActivationWindow: 30, ReversibleFor: 30},
		{ID: "m365-e3", Name: "Microsoft 365 E3", Vendor: "Microsoft", Category: "office", Family: "m365", Tier: 2, Metric: NamedUser,
			SeatsFrom: map[string][]string{"entra": {"05e9a617-0261-4cee-bb44-138d3ef5d965"}},
			Activity:  map[string]Activity{"entra": {}}, ActivationWindow: 30},
		{ID: "power-bi-pro", Name: "Power BI Pro", Vendor: "Microsoft", Category: "analytics", Metric: NamedUser, ActivationWindow: 30},
		{ID: "github-copilot", Name: "GitHub Copilot", Vendor: "GitHub", Category: "development", Metric: ActiveUser,
			Activity: map[string]Activity{"okta": {Applications: []string{"GitHub"}}}, ActivationWindow: 14},
		{ID: "matlab", Name: "matlab", Vendor: "MathWorks", Metric: Concurrent, ActivationWindow: 30},
	}
	if diff := cmp.Diff(want, c.Products); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
}

func TestCovers(t *testing.T) {
	c, err := ParseCatalogue("products.yaml", []byte(`products:
  - {id: e5, family: m365, tier: 3, covers: [bi]}
  - {id: e1, family: m365, tier: 1}
  - {id: e3, family: m365, tier: 2, covers: [mail]}
  - {id: e3-edu, family: m365, tier: 2}
  - {id: bi}
  - {id: mail}
  - {id: suite, covers: [e3]}
`))
	if err != nil {
		t.Fatal(err)
	}
	covered := map[string][]string{"e5": {"e1", "e3", "e3-edu", "bi", "mail"}, "e3": {"e1", "mail"}, "e3-edu": {"e1"},
		"suite": {"e1", "e3", "mail"}}
	for n, suite := range c.Products {
		var got []string
		for m, product := range c.Products {
			if c.Covers(ProductID(n), ProductID(m)) {
				got = append(got, product.ID)
			}
		}
		if diff := cmp.Diff(covered[suite.ID], got); diff != "" {
			t.Errorf("%s covers (-want +got):\n%s", suite.ID, diff)
		}
	}
	if got, want := c.Family("m365"), []ProductID{1, 2, 3, 0}; !cmp.Equal(got, want) {
		t.Errorf("family %v, want %v: lowest tier first", got, want)
	}
	if n, ok := c.Lookup("nothing"); ok || n != NoProductID || c.Family("") != nil {
		t.Errorf("nothing is %d, %v, family %v", n, ok, c.Family(""))
	}
}

func TestCheckSources(t *testing.T) {
	if err := testCatalogue(t).CheckSources([]string{"okta", "entra"}); err != nil {
		t.Error(err)
	}
	const want = `products.yaml:11:22: products[0].activity.okta: no source "okta" is configured
    hint: known are entra, hr
products.yaml:18:149: products[3].activity.okta: no source "okta" is configured
    hint: known are entra, hr`
	if err := testCatalogue(t).CheckSources([]string{"entra", "hr"}); err == nil || err.Error() != want {
		t.Errorf("%v\nwant:\n%s", err, want)
	}
}
