package store

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"trueup/reconcile"
	"trueup/store/storetest"
)

// loss is what a wire does to a commit.
type loss uint8

const (
	carried   loss = iota
	unsent         // the commit never reaches the server
	unheard        // the server commits, its answer never comes
	unhelpful      // as unheard, and nobody can connect any more
)

// wire stands between the program and a server and cuts connections at their commits.
type wire struct {
	listener net.Listener
	server   string // the server's unix socket
	plan     func(commit int32) loss
	commits  atomic.Int32
	cuts     atomic.Int32
	closed   atomic.Bool
}

// through returns the address of a database by way of a wire.
func through(t testing.TB, dsn string, plan func(commit int32) loss) (*wire, string) {
	t.Helper()
	address, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	socket := ".s.PGSQL." + query.Get("port")
	w := &wire{server: filepath.Join(query.Get("host"), socket), plan: plan}
	dir := t.TempDir()
	if w.listener, err = net.Listen("unix", filepath.Join(dir, socket)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.listener.Close() })
	go w.serve()
	query.Set("host", dir)
	address.RawQuery = query.Encode()
	return w, address.String()
}

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", w.server)
		if err != nil || w.closed.Load() {
			_ = client.Close()
			continue
		}
		go w.carry(client, server)
	}
}

// carry takes bytes both ways until either side ends or a commit is to be lost.
func (w *wire) carry(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	var deaf atomic.Bool
	answered := make(chan struct{})
	go func() {
		defer client.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := server.Read(b)
			if err != nil {
				return
			}
			if deaf.Load() {
				close(answered)
				return
			}
			if _, err := client.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		loss := carried
		if bytes.Contains(b[:n], []byte("COMMIT\x00")) {
			if loss = w.plan(w.commits.Add(1)); loss != carried {
				w.cuts.Add(1)
			}
		}
		w.closed.Store(w.closed.Load() || loss == unhelpful)
		if loss == unsent {
			return
		}
		deaf.Store(loss != carried)
		if _, err := server.Write(b[:n]); err != nil {
			return
		}
		if loss != carried {
			<-answered
			return
		}
	}
}

// Whatever becomes of the connection at a commit, everything works as if nothing had happened: what was not carried out is
// tried again, what was is not.
func TestPostgresWithCommitsLost(t *testing.T) {
	var cuts int32
	exercise(t, func(t testing.TB) opener {
		w, dsn := through(t, storetest.Postgres(t), func(commit int32) loss {
			return [...]loss{carried, unsent, carried, unheard}[commit%4]
		})
		t.Cleanup(func() { atomic.AddInt32(&cuts, w.cuts.Load()) })
		return opening(dsn, "")
	})
	if atomic.LoadInt32(&cuts) < 50 {
		t.Errorf("only %d commits were lost: the test proves nothing", cuts)
	}
}

// A commit of which nobody can say whether it was carried out is not carried out again.
func TestACommitThatNobodyKnowsOf(t *testing.T) {
	dsn := storetest.Postgres(t)
	postgresAt(t, dsn)
	w, severed := through(t, dsn, func(int32) loss { return unhelpful })
	d := postgresAt(t, severed)
	d.patience = 100 * time.Millisecond
	err := d.StartRun(t.Context(), reconcile.Run{ID: "r", Kind: "run"})
	if fault, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, errDoubtful) || fault.Hint == "" || w.cuts.Load() != 1 {
		t.Errorf("%v after %d cuts; want an error that says that nobody knows, with a hint", err, w.cuts.Load())
	}
	if run, err := postgresAt(t, dsn).Run(t.Context(), "r"); err != nil || run.State != reconcile.RunRunning {
		t.Errorf("the run that was committed: %+v, %v", run, err)
	}
}

// severedRows are more than one statement of each kind takes.
const severedRows = 800

// large is a plan that takes a while to store.
func large(t testing.TB, d *DB, rows int) (reconcile.PlanRecord, *reconcile.Plan) {
	t.Helper()
	seats := make([]seat, rows)
	for n := range seats {
		seats[n] = idle(fmt.Sprint("person ", n), reconcile.Ready)
	}
	p := planned(t, 1, seats...)
	start(t, d, "run-1", night(1))
	return record("run-1", "plan-1", p), p
}

// whole fails unless there are so many plans of so many rows, and the ledger verifies.
func whole(t testing.TB, d *DB, plans, rows int) {
	t.Helper()
	var has struct {
		Plans int `db:"plans"`
		Rows  int `db:"plan_rows"`
		Cases int `db:"cases"`
	}
	if err := d.db.Get(&has, `SELECT (SELECT count(*) FROM plans) AS plans, (SELECT count(*) FROM plan_rows) AS plan_rows,
		(SELECT count(*) FROM cases) AS cases`); err != nil {
		t.Fatal(err)
	}
	if has.Plans != plans || has.Rows != plans*rows || has.Cases != plans*rows {
		t.Errorf("%+v; want %d plans of %d rows", has, plans, rows)
	}
	if _, err := d.VerifyLedger(t.Context()); err != nil {
		t.Error(err)
	}
}

// hold keeps a table from being written to until it is let go. So a session that waits for it is in the midst of its
// statement, however fast or slow the machine is.
func hold(t testing.TB, watcher *DB, table string) (letGo func()) {
	t.Helper()
	held, err := watcher.db.Beginx()
	if err == nil {
		_, err = held.Exec(`LOCK TABLE ` + table + ` IN SHARE MODE`)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = held.Rollback() } // the server may be gone
}

// blocked returns the server's process id of the session that waits for a table with a statement.
func blocked(t testing.TB, watcher *DB, statement string) int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var pid int
		err := watcher.db.Get(&pid, `SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE datname = current_database()
			AND query LIKE $1 AND state = 'active' AND wait_event_type = 'Lock'`, statement+"%")
		if err != nil {
			t.Fatal(err)
		}
		if pid != 0 {
			return pid
		}
	}
	t.Fatalf("no session ever came to %s", statement)
	return 0
}

// The administrator ends the session in the midst of a plan: it is stored all the same, once.
func TestSessionEndedWhileSaving(t *testing.T) {
	server := storetest.Shared(t)
	for _, at := range []struct{ table, statement string }{{"plan_rows", "COPY plan_rows"}, {"cases", "COPY cases"}, {"ledger", "INSERT INTO ledger"}} {
		t.Run(at.table, func(t *testing.T) {
			dsn := server.DSN(storetest.Superuser, server.Database(t))
			d, watcher := postgresAt(t, dsn), postgresAt(t, dsn)
			record, p := large(t, d, severedRows)
			letGo, saved := hold(t, watcher, at.table), make(chan error, 1)
			go func() { saved <- d.SavePlan(t.Context(), record, p) }()
			if _, err := watcher.db.Exec(`SELECT pg_terminate_backend($1)`, blocked(t, watcher, at.statement)); err != nil {
				t.Fatal(err)
			}
			letGo()
			if err := <-saved; err != nil {
				t.Fatal(err)
			}
			whole(t, d, 1, severedRows)
		})
	}
}

// The server is killed in the midst of a plan. If it comes back soon nobody notices; if not, the error says so, nothing
// is half-written, and once it is back the next run goes on.
func TestServerKilledWhileSaving(t *testing.T) {
	server := storetest.Own(t)
	name := server.Database(t)
	dsn := server.DSN(storetest.Superuser, name)
	d := postgresAt(t, dsn)
	record, p := large(t, d, severedRows)
	kill := func() chan error {
		watcher, saved := postgresAt(t, dsn), make(chan error, 1)
		letGo := hold(t, watcher, "plan_rows")
		go func() { saved <- d.SavePlan(t.Context(), record, p) }()
		blocked(t, watcher, "COPY plan_rows")
		server.Signal(t, syscall.SIGKILL)
		letGo()
		return saved
	}
	d.patience = 200 * time.Millisecond
	err := <-kill()
	if fault, ok := errors.AsType[*Error](err); !ok || fault.Hint == "" || fatePostgres(err) != severed {
		t.Errorf("the server is gone: %v; want an error that says so, with a hint", err)
	}
	server.Restart(t)
	whole(t, d, 0, severedRows)

	d.patience = patience
	saved := kill()
	server.Restart(t)
	if err := <-saved; err != nil {
		t.Errorf("the server was gone for a moment: %v", err)
	}
	whole(t, d, 1, severedRows)
	save(t, d, 2, idle("ana", reconcile.Ready))
}

// Connections that were lost while nothing was under way are not noticed at all.
func TestRestartBetweenTwoTransactions(t *testing.T) {
	server := storetest.Own(t)
	d := postgresAt(t, server.DSN(storetest.Superuser, server.Database(t)))
	for n := range 3 {
		save(t, d, n, idle("ana", reconcile.Ready))
		server.Signal(t, syscall.SIGQUIT)
		server.Restart(t)
		if plans, err := d.Plans(t.Context(), 9); err != nil || len(plans) != n+1 {
			t.Errorf("%d plans, %v", len(plans), err)
		}
	}
	verify(t, d)
}

// Somebody who does not know of the lock changes the same row: the transaction is tried again on what is there then.
func TestClashIsTriedAgain(t *testing.T) {
	dsn := storetest.Postgres(t)
	d, other := postgresAt(t, dsn), postgresAt(t, dsn)
	save(t, d, 1, idle("ana", reconcile.Ready))
	clash := func(times int) (tried int, err error) {
		err = d.write(t.Context(), "clash", func(x *tx) error {
			var seen string
			if err := x.get(t.Context(), &seen, `SELECT cause FROM cases`); err != nil {
				return err
			}
			if tried++; tried <= times {
				if _, err := other.db.Exec(`UPDATE cases SET cause = cause || 'x'`); err != nil {
					t.Fatal(err)
				}
			}
			_, err := x.exec(t.Context(), `UPDATE cases SET cause = ?`, seen+"y")
			return err
		})
		return tried, err
	}
	if tried, err := clash(2); err != nil || tried != 3 {
		t.Errorf("tried %d times, %v; want 3", tried, err)
	}
	var cause string
	if err := d.db.Get(&cause, `SELECT cause FROM cases`); err != nil || cause != "xxy" {
		t.Errorf("the row says %q, %v", cause, err)
	}
	tried, err := clash(1000)
	if fault, ok := errors.AsType[*Error](err); !ok || fault.Hint == "" || tried != tries || pq.As(err, pqerror.TRSerializationFailure) == nil {
		t.Errorf("tried %d times, then %v; want %d and an error with a hint", tried, err, tries)
	}
}

// Two that wait for each other are told apart from those that only wait.
func TestWaitingForTheWriterEnds(t *testing.T) {
	dsn := storetest.Postgres(t)
	a, b := postgresAt(t, dsn), postgresAt(t, dsn+"&lock_timeout=50ms")
	err := a.write(t.Context(), "hold", func(*tx) error {
		err := b.StartRun(t.Context(), reconcile.Run{ID: "r"})
		if fault, ok := errors.AsType[*Error](err); !ok || !strings.Contains(fault.Reason, "another process") || fault.Hint == "" {
			t.Errorf("%v; want an error that says who is in the way, with a hint", err)
		}
		_, err = b.Runs(t.Context(), 1) // reading waits for nobody
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
