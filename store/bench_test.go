package store

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"trueup/reconcile"
)

// BenchmarkSavePlan stores nights of 200,000 rows of which every fifth calls for something; all but the first find the
// cases of the night before.
func BenchmarkSavePlan(b *testing.B) {
	d := sqliteAt(b, b.TempDir())
	seats := make([]seat, 200_000)
	for n := range seats {
		if seats[n] = used(fmt.Sprint("person ", n)); n%5 == 0 {
			seats[n] = idle(fmt.Sprint("person ", n), reconcile.Ready)
		}
	}
	n := 0
	for b.Loop() {
		b.StopTimer()
		n++
		p := planned(b, n, seats...)
		start(b, d, fmt.Sprint("run-", n), night(n))
		b.StartTimer()
		if err := d.SavePlan(b.Context(), record(fmt.Sprint("run-", n), fmt.Sprint("plan-", n), p), p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkArchive takes lines of a sign-in log: with hash and archive, with the hash only, with neither.
func BenchmarkArchive(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	var text []byte
	for len(text) < 32<<20 {
		text = fmt.Appendf(text, `{"published":"2026-11-%02dT08:%02d:00.000Z","actor":{"id":"00u%08x","alternateId":"person%d@example.com"},`+
			`"eventType":"user.authentication.sso","outcome":{"result":"SUCCESS"},"target":[{"displayName":"Figma"}],"uuid":"%016x"}`+"\n",
			1+random.IntN(28), random.IntN(60), random.Uint32(), random.IntN(100_000), random.Uint64())
	}
	kept, _ := archive(b)
	for name, a := range map[string]*Archive{"copy": kept, "reference": kept.Referencing(), "discard": Discard()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				text[0]++ // another input each time
				if _, err := keep(b, a, text, 1<<20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
