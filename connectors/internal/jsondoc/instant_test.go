package jsondoc_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

func TestParseInstant(t *testing.T) {
	tests := map[string]string{
		"2020-02-14T20:18:57.718Z":            "2020-02-14T20:18:57.718Z",
		"2020-02-14T20:18:57.49Z":             "2020-02-14T20:18:57.49Z",
		"2020-02-14T20:18:57Z":                "2020-02-14T20:18:57Z",
		"2022-03-22 14:21:53.225":             "2022-03-22T14:21:53.225Z",
		"2020-11-25 21:27:03.496000000":       "2020-11-25T21:27:03.496Z",
		"2020-03-13T19:15:41.6195833Z":        "2020-03-13T19:15:41.619Z",
		"2019-10-18T04:45:48.0729893-05:00":   "2019-10-18T09:45:48.072Z",
		"2019-10-18T04:45:48+0530":            "2019-10-17T23:15:48Z",
		"0001-01-01T00:00:00Z":                "0001-01-01T00:00:00Z",
		"2024-02-29t00:00:00z":                "2024-02-29T00:00:00Z",
		"redacted":                            "",
		"":                                    "",
		"2020-02-14":                          "",
		"2020-02-14T20:18":                    "",
		"2023-02-29T00:00:00Z":                "",
		"2023-13-01T00:00:00Z":                "",
		"2023-00-10T00:00:00Z":                "",
		"2023-01-00T00:00:00Z":                "",
		"2023-01-01T24:00:00Z":                "",
		"2023-01-01T00:00:60Z":                "",
		"2023-01-01T00:00:00.Z":               "",
		"2023-01-01T00:00:00X":                "",
		"2023-01-01T00:00:00+1:00":            "",
		"2023-01-01T00:00:00+0a:00":           "",
		"2023-01-01T00:00:00+99:00":           "",
		"2023-01-01T00:00:00Z ":               "",
		"20x3-01-01T00:00:00Z":                "",
		"x023-01-01T00:00:00Z":                "",
		"2023-01-01T-1:00:00Z":                "",
		"2023/01/01T00:00:00Z":                "",
		"2021-01-08T21:28:34.875000000000000": "2021-01-08T21:28:34.875Z",
	}
	for in, want := range tests {
		at, ok := jsondoc.ParseInstant([]byte(in))
		if got := at.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, ok, want)
		}
	}
}

// TestParseInstantAgrees holds the parser against package time.
func TestParseInstantAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(-62_135_596_800_000, 253_402_214_400_000).Draw(t, "milliseconds"))
		zone := time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "minutes")*60)
		at = at.In(zone)
		if year := at.Year(); year < 0 || year > 9999 {
			return
		}
		layout := rapid.SampledFrom([]string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z0700", "2006-01-02T15:04:05.000000000-07:00"}).Draw(t, "layout")
		if got, ok := jsondoc.ParseInstant([]byte(at.Format(layout))); !ok || got != facts.Instant(at.UnixMilli()) {
			t.Fatalf("%s: got %s, %v", at.Format(layout), got, ok)
		}
	})
}
