// Command trueup reconciles software licences: it pulls directory exports, sign-in logs and entitlement records, decides
// who holds, uses and needs every licence, carries out what the policy lets it, and leaves a workbook and evidence.
//
// Output follows three rules. What was asked for goes to standard output, everything said about it to standard error.
// Messages are lower case, without a full stop, and name the place; what to do about it follows after "hint:". JSON goes
// to standard output alone and is complete or absent, never cut.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the organisation's zone, also on machines without a zone database
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that has had enough (| head) is an error of writing, not a death in mid-run
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(execute(ctx, system()))
}
