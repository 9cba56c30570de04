package google

import (
	"context"

	"trueup/connectors"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const (
	licenseUser = iota
	licenseProduct
	licenseSKU
)

var licensePaths = jsondoc.NewPaths("userId", "productId", "skuId")

// seats reads licence assignments (developers.google.com/workspace/admin/licensing/reference/rest/v1/licenseAssignments). A
// seat's product is the SKU, its account the address that Google calls userId.
func (s *source) seats(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	scan := jsondoc.NewScanner(licensePaths)
	type holding struct{ account, sku string }
	seen := map[holding]struct{}{}
	return s.records(ctx, p, o, nil, func(_ int, doc []byte) (string, error) {
		if err := scan.Scan(doc); err != nil {
			return "", err
		}
		account, sku := scan.Text(licenseUser), scan.Text(licenseSKU)
		if len(account) == 0 || len(sku) == 0 {
			return "", jsondoc.Malformed("a licence assignment without userId or skuId")
		}
		this := holding{string(account), string(sku)}
		if _, twice := seen[this]; twice {
			return "", jsondoc.Malformed("a licence assignment that has been read already")
		}
		seen[this] = struct{}{}
		o.AddSeat(facts.Seat{Account: account, Product: sku, Path: []byte("direct"), Assigned: facts.NoInstant})
		return string(scan.Text(licenseProduct)), nil
	})
}
