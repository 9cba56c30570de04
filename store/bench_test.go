package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"trueup/reconcile"
)

// BenchmarkSavePlan stores plans, on each database: the first night of a neglected organisation, in which 400,000 seats
// call for something; a night in which all of these cases move on; a night in which one seat in fifty calls for something
// new.
func BenchmarkSavePlan(b *testing.B) {
	const rows = 400_000
	nights := map[string]func(n, k int) seat{
		"first":    func(_, k int) seat { return idle(fmt.Sprint("person ", k), reconcile.Notice) },
		"moving":   func(n, k int) seat { return idle(fmt.Sprint("person ", k), reconcile.Notice+reconcile.State(n%2)) },
		"ordinary": func(n, k int) seat { return ordinary(n, k) },
	}
	for _, kind := range []string{"first", "moving", "ordinary"} {
		for name, store := range stores {
			b.Run(kind+"/"+name, func(b *testing.B) { benchmarkNights(b, store, kind != "first", rows, nights[kind]) })
		}
	}
}

// ordinary has one seat in fifty that calls for something, others each night.
func ordinary(n, k int) seat {
	if (k+n)%50 == 0 {
		return idle(fmt.Sprint("person ", k), reconcile.Notice)
	}
	return used(fmt.Sprint("person ", k))
}

func benchmarkNights(b *testing.B, store func(testing.TB) (string, string), goOn bool, rows int, seatOf func(n, k int) seat) {
	var d *DB
	seats := make([]seat, rows)
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		if d == nil || !goOn {
			dsn, dir := store(b)
			d = opening(dsn, dir)(b)
			if goOn {
				nightOf(b, d, n, seats, seatOf)()
				n++
			}
		}
		save := nightOf(b, d, n, seats, seatOf)
		b.StartTimer()
		save()
	}
}

// nightOf makes the plan of a night and returns what stores it.
func nightOf(b *testing.B, d *DB, n int, seats []seat, seatOf func(n, k int) seat) func() {
	for k := range seats {
		seats[k] = seatOf(n, k)
	}
	p, run := planned(b, n, seats...), fmt.Sprint("run-", n)
	start(b, d, run, night(n))
	return func() {
		if err := d.SavePlan(b.Context(), record(run, fmt.Sprint("plan-", n), p), p); err != nil {
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

// BenchmarkLargeLedger uses the ledger on the day after the first night of a neglected organisation: 400,000 open cases.
func BenchmarkLargeLedger(b *testing.B) {
	for name, store := range stores {
		b.Run(name, func(b *testing.B) {
			dsn, dir := store(b)
			d := opening(dsn, dir)(b)
			nightOf(b, d, 0, make([]seat, 400_000), func(_, k int) seat { return idle(fmt.Sprint("person ", k), reconcile.Ready) })()
			lease, err := d.Acquire(b.Context(), "me", night(1), time.Hour)
			if err != nil {
				b.Fatal(err)
			}
			k := 0
			b.Run("claim and record", func(b *testing.B) {
				for ; b.Loop(); k++ {
					action := idle(fmt.Sprint("person ", k), reconcile.Ready).id()
					in := reconcile.Intent{Action: action, Plan: "plan-0", Run: "run-0", Epoch: lease.Epoch, Attempt: 1, At: night(0), Kind: reconcile.Revoke}
					if claimed, err := d.Claim(b.Context(), in); err != nil || !claimed {
						b.Fatal(claimed, err)
					}
					if err := d.Record(b.Context(), reconcile.Outcome{Action: action, Run: "run-0", Attempt: 1, At: night(0), State: reconcile.Done}); err != nil {
						b.Fatal(err)
					}
				}
			})
			for what, read := range map[string]func(context.Context) (any, error){
				"prior":   func(ctx context.Context) (any, error) { return d.Prior(ctx, night(1)) },
				"verify":  func(ctx context.Context) (any, error) { return d.VerifyLedger(ctx) },
				"actions": func(ctx context.Context) (any, error) { return d.Actions(ctx, "plan-0") },
			} {
				b.Run(what, func(b *testing.B) {
					for b.Loop() {
						if _, err := read(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}
