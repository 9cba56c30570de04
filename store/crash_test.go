package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"trueup/reconcile"
)

// crashEnv names the folder in which the test binary, started again by TestKilledWhileSaving, is to store a plan.
const crashEnv = "TRUEUP_TEST_CRASH_IN"

const crashRows = 20_000

// A process that is killed while it stores a plan leaves the whole plan or nothing of it, and a ledger that verifies.
func TestKilledWhileSaving(t *testing.T) {
	if dir := os.Getenv(crashEnv); dir != "" {
		saveAndSay(t, dir)
		return
	}
	if testing.Short() {
		t.Skip("starts processes and kills them")
	}
	partly := 0
	for _, after := range []int{0, 10, 40, 90, 160, 250} {
		dir := t.TempDir()
		sqliteAt(t, dir)
		kill(t, dir, time.Duration(after)*time.Millisecond)
		d := sqliteAt(t, dir)
		verify(t, d)
		var has struct {
			Plans int `db:"plans"`
			Rows  int `db:"plan_rows"`
			Cases int `db:"cases"`
		}
		if err := d.db.Get(&has, `SELECT (SELECT count(*) FROM plans) AS plans, (SELECT count(*) FROM plan_rows) AS plan_rows,
			(SELECT count(*) FROM cases) AS cases`); err != nil {
			t.Fatal(err)
		}
		if has.Rows != has.Plans*crashRows || has.Cases != has.Plans*crashRows {
			t.Errorf("killed after %d ms: %+v; want all or nothing", after, has)
		}
		if has.Plans == 0 {
			partly++
		}
		save(t, d, 2, idle("ana", reconcile.Ready)) // the next run goes on
	}
	if partly == 0 {
		t.Error("no process was killed before it was done: the test proves nothing")
	}
}

func kill(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWhileSaving$")
	process.Env = append(os.Environ(), crashEnv+"="+dir)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "saving") {
	}
	time.Sleep(after)
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait() // says that it was killed
}

// saveAndSay stores a large plan and says when it begins.
func saveAndSay(t *testing.T, dir string) {
	d := sqliteAt(t, dir)
	seats := make([]seat, crashRows)
	for n := range seats {
		seats[n] = idle(fmt.Sprint("person ", n), reconcile.Ready)
	}
	p := planned(t, 1, seats...)
	start(t, d, "run-1", night(1))
	fmt.Println("saving")
	if err := d.SavePlan(t.Context(), record("run-1", "plan-1", p), p); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // until it is killed
}
