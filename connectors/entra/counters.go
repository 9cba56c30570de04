package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

// counters reads subscribedSkus. What can be assigned is what is enabled or in its grace (warning); suspended and
// locked-out units cannot. Units that apply to the company are not seats.
func (s *source) counters(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	return s.records(ctx, p, o, func(_ int, doc []byte) error { return addCounter(o, doc) })
}

func addCounter(o *facts.Observation, doc []byte) error {
	var sku struct {
		ID        string `json:"skuId"`
		Name      string `json:"skuPartNumber"`
		AppliesTo string `json:"appliesTo"`
		Consumed  *int64 `json:"consumedUnits"`
		Prepaid   *struct {
			Enabled int64 `json:"enabled"`
			Warning int64 `json:"warning"`
		} `json:"prepaidUnits"`
	}
	switch err := json.Unmarshal(doc, &sku); {
	case err != nil:
		return jsondoc.Malformed("malformed JSON: " + err.Error())
	case sku.ID == "" || sku.Consumed == nil || sku.Prepaid == nil:
		return jsondoc.Malformed("a SKU without skuId, consumedUnits or prepaidUnits")
	case strings.EqualFold(sku.AppliesTo, "Company"):
		o.Notes = append(o.Notes, fmt.Sprintf("%s applies to the company and has no seats: left out", sku.Name))
		return nil
	}
	o.AddCounter(facts.Counter{Product: strings.ToLower(sku.ID), Purchased: sku.Prepaid.Enabled + sku.Prepaid.Warning,
		Consumed: *sku.Consumed})
	return nil
}
