package licensegen_test

import (
	"errors"
	"fmt"
	"os"
	"time"

	"trueup/licensegen"
)

// A program checks its licence with the vendor's public key, which it carries with it.
func ExampleVerifier() {
	key, err := licensegen.ParsePublicKey([]byte(`-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := os.ReadFile("testdata/subscription.license")
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := licensegen.NewVerifier("Example Software Ltd", key)
	use := licensegen.Use{At: time.Date(2027, 3, 31, 21, 59, 59, 0, time.UTC), Product: "orbit-suite"}
	license, err := verifier.Verify(file, use)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(license.Terms.Customer, "may use", license.Terms.Quantity, "of", license.Terms.Features, "until", license.Expires)

	use.At = use.At.Add(time.Second)
	_, err = verifier.Verify(file, use)
	fmt.Println(errors.Is(err, licensegen.ErrExpired), err)
	// Output:
	// C-7 may use 25 of [export orbit] until 2027-03-31 22:00:00 +0000 UTC
	// true the licence has expired: at 2027-03-31T22:00:00Z, the end of 2027-03-31 in Europe/Berlin
}
