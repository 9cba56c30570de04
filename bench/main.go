// Command bench measures the main job beside a peer that does the same in SQL (DuckDB), on the same made-up
// organisation, in turn, and prints medians and ratios.
//
//	go run ./bench                          generate, run both five times, compare answers, print the table
//	go run ./bench -users 10000 -rounds 3   smaller
//	go run ./bench generate|job|peer        one part alone
//
// A second benchmark is the decision alone, from facts in memory to the plan:
//
//	go run ./bench engine -users 1000000    10 million seats, in turn with the peer
//	go run ./bench decide -users 1000000    our side alone
//
// Node and npm are needed for the peer (npm install in bench/peer is done when it is missing). The data stays in
// bench/data, which is not committed; at the default size it takes 6 GB.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// size is how large the organisation is.
type size struct {
	users, products    int
	density            float64 // share of products a user has a seat of
	events, eventsCSV  int
	dir                string
	rounds             int
	keep, hash, ledger bool
	profile            string
}

func run(ctx context.Context, args []string) error {
	verb := "all"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		verb, args = args[0], args[1:]
	}
	var s size
	var rules int
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&s.users, "users", 100_000, "people")
	flags.IntVar(&s.products, "products", 20, "products")
	flags.Float64Var(&s.density, "density", 0.5, "share of the products that a person has a seat of")
	flags.IntVar(&s.events, "events", 4_000_000, "Okta System Log events, about 1.3 kB each")
	flags.IntVar(&s.eventsCSV, "csv-events", 2_000_000, "sign-ins in a generic CSV")
	flags.StringVar(&s.dir, "dir", filepath.Join("bench", "data"), "where the data lies")
	flags.IntVar(&s.rounds, "rounds", 5, "pairs, in turn, after one that is not counted")
	flags.BoolVar(&s.hash, "hash", false, "job: hash every input (SHA-256)")
	flags.BoolVar(&s.keep, "archive", false, "job: hash every input and keep it in an archive")
	flags.BoolVar(&s.ledger, "ledger", false, "job: store the plan in SQLite and its rows as a column file")
	flags.StringVar(&s.profile, "profile", "", "job, decide: write a CPU profile to this file")
	flags.IntVar(&rules, "rules", 0, "engine, decide: further rules")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch verb {
	case "generate":
		return s.generate(ctx)
	case "job":
		return s.job(ctx)
	case "peer":
		return s.peer(ctx, os.Stdout)
	case "engine":
		s.dir = filepath.Join(s.dir, fmt.Sprintf("engine-%d", s.users))
		return engine{s, rules}.compare(ctx)
	case "decide":
		return engine{s, rules}.decide(os.Stdout)
	case "all":
		return s.compare(ctx)
	}
	return fmt.Errorf("unknown verb %q: generate, job, peer, engine, decide, or none for all", verb)
}
