package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"trueup/reconcile"
	"trueup/store/storetest"
)

// childEnv names the address and the folder of the store with which the test binary, started again by a test of several
// processes, is to work.
const childEnv = "TRUEUP_TEST_CHILD_STORE"

const crashRows = 20_000

// stores are the databases that tests of several processes run on; a call makes a store of its own.
var stores = map[string]func(testing.TB) (dsn, dir string){
	"sqlite":   func(t testing.TB) (string, string) { return "sqlite:trueup.db", t.TempDir() },
	"postgres": func(t testing.TB) (string, string) { return storetest.Postgres(t), "" },
}

// child is this test in a process of its own, on a store.
func child(t *testing.T, dsn, dir string) *exec.Cmd {
	t.Helper()
	test, _, _ := strings.Cut(t.Name(), "/")
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$")
	process.Env = append(os.Environ(), childEnv+"="+dsn+" "+dir)
	return process
}

// given returns the store that a child is to work with.
func given() (open opener, is bool) {
	dsn, dir, is := strings.Cut(os.Getenv(childEnv), " ")
	return opening(dsn, dir), is
}

// A process that is killed while it stores a plan leaves the whole plan or nothing of it, and a ledger that verifies.
func TestKilledWhileSaving(t *testing.T) {
	if open, is := given(); is {
		saveAndSay(t, open)
		return
	}
	if testing.Short() {
		t.Skip("starts processes and kills them")
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			partly := 0
			for _, after := range []int{0, 10, 40, 90, 160, 250} {
				dsn, dir := store(t)
				opening(dsn, dir)(t)
				kill(t, child(t, dsn, dir), time.Duration(after)*time.Millisecond)
				d := opening(dsn, dir)(t)
				plans, err := d.Plans(t.Context(), 9)
				if err != nil {
					t.Fatal(err)
				}
				whole(t, d, len(plans), crashRows)
				if len(plans) == 0 {
					partly++
				}
				save(t, d, 2, idle("ana", reconcile.Ready)) // the next run goes on
			}
			if partly == 0 {
				t.Error("no process was killed before it was done: the test proves nothing")
			}
		})
	}
}

func kill(t *testing.T, process *exec.Cmd, after time.Duration) {
	t.Helper()
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
func saveAndSay(t *testing.T, open opener) {
	d := open(t)
	record, p := large(t, d, crashRows)
	fmt.Println("saving")
	if err := d.SavePlan(t.Context(), record, p); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // until it is killed
}

// Several processes take the lease again and again: never are two inside, and every epoch is given once.
func TestProcessesRaceForTheLease(t *testing.T) {
	if open, is := given(); is {
		raceAndSay(t, open(t))
		return
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			dsn, dir := store(t)
			opening(dsn, dir)(t)
			inside := filepath.Join(t.TempDir(), "inside")
			var said [4]bytes.Buffer
			var all sync.WaitGroup
			for n := range said {
				process := child(t, dsn, dir)
				process.Env = append(process.Env, insideEnv+"="+inside)
				process.Stdout = &said[n]
				all.Go(func() {
					if err := process.Run(); err != nil {
						t.Errorf("%v: %s", err, said[n].String())
					}
				})
			}
			all.Wait()
			given := map[string]bool{}
			for n := range said {
				for _, epoch := range regexp.MustCompile(`epoch \d+`).FindAllString(said[n].String(), -1) {
					if given[epoch] {
						t.Errorf("%s was given twice", epoch)
					}
					given[epoch] = true
				}
			}
			if len(given) != len(said)*leasesEach {
				t.Errorf("%d leases, want %d", len(given), len(said)*leasesEach)
			}
		})
	}
}

// insideEnv names a file that only the holder of the lease makes.
const insideEnv = "TRUEUP_TEST_CHILD_INSIDE"

const leasesEach = 8

func raceAndSay(t *testing.T, d *DB) {
	for taken := 0; taken < leasesEach; {
		lease, err := d.Acquire(t.Context(), fmt.Sprint("process ", os.Getpid()), night(0), time.Hour)
		if errors.Is(err, ErrHeld) {
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(os.Getenv(insideEnv), os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			t.Fatalf("somebody else is inside: %v", err)
		}
		fmt.Println("epoch", lease.Epoch)
		taken++
		if err := errors.Join(file.Close(), os.Remove(os.Getenv(insideEnv)), lease.Release(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}
