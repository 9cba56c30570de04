package reports

import (
	"strconv"

	"trueup/reconcile"
)

// Amount writes an amount of minor units as a decimal with the currency's places: 5475 EUR is "54.75".
func Amount(minor int64, currency string) string {
	return string(appendAmount(make([]byte, 0, 24), minor, reconcile.MinorDigits(currency)))
}

func appendAmount(b []byte, minor int64, digits int) []byte {
	size := uint64(minor)
	if minor < 0 {
		b, size = append(b, '-'), -size
	}
	text := strconv.AppendUint(nil, size, 10)
	for len(text) <= digits {
		text = append([]byte{'0'}, text...)
	}
	whole := len(text) - digits
	b = append(b, text[:whole]...)
	if digits > 0 {
		b = append(append(b, '.'), text[whole:]...)
	}
	return b
}
