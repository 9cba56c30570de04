package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

//go:embed migrations/postgres/*.sql
var postgresMigrations embed.FS

// oldestPostgres is the oldest server that will do, as server_version_num says it; older ones are no longer maintained.
const oldestPostgres = 140000

// connections is how many a process opens at most: one that writes, and a few that read.
const connections = 4

// openPostgres reads the address. A writer takes the lock of the one row of table lease's table before it looks at
// anything, so that writers work one after the other, as on SQLite, and none fails half-way because another one was
// faster. Transactions are serialisable besides, against whoever does not know of the lock.
func openPostgres(dsn string, options Options) (*DB, error) {
	config, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, badAddress(dsn, err)
	}
	migrations, err := fs.Sub(postgresMigrations, "migrations/postgres")
	if err != nil {
		return nil, err
	}
	locate(&config, dsn, options.Dir)
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	if config.ApplicationName == "" {
		config.ApplicationName = "trueup"
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, badAddress(dsn, err)
	}
	serial := sql.TxOptions{Isolation: sql.LevelSerializable}
	dialect := dialect{name: postgresName(config), driver: "postgres", bind: sqlx.DOLLAR, copies: true, migrations: migrations,
		writing:   mode{options: &serial, first: `LOCK TABLE lease IN EXCLUSIVE MODE`},
		reading:   mode{options: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}},
		migrating: mode{options: &sql.TxOptions{Isolation: sql.LevelReadCommitted}, first: migrationLock},
		exists: `SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = current_schema() AND c.relname = ?`,
		greet: greetPostgres(oldestPostgres), ready: readyPostgres, room: roomPostgres, commit: commitPostgres, fate: fatePostgres, explain: explainPostgres}
	db := sql.OpenDB(settled{connector, settingsFor(config)})
	db.SetMaxOpenConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return newDB(sqlx.NewDb(db, dialect.driver), dialect, options), nil
}

// migrationLock lets one process migrate at a time, before there is a table to lock; the number is "trueup" in ASCII.
const migrationLock = `SELECT pg_advisory_xact_lock(128034944677232)`

// badAddress explains why an address cannot be read. The address is not shown, nor what the parser quotes from it: a
// password could be in either.
func badAddress(dsn string, err error) error {
	fault := &Error{Op: "open store", Reason: "the address of the PostgreSQL database cannot be read",
		Hint: "write postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full; in a password, write / as %2F, @ as %40, : as %3A, # as %23, % as %25"}
	if _, parse := url.Parse(dsn); parse == nil {
		fault.Err = err // of one setting, and passwords are not checked
		fault.Hint = "correct that setting, in the address or in the environment variables that begin with PG"
	}
	return fault
}

// postgresName names the database in messages.
func postgresName(c pq.Config) string {
	if filepath.IsAbs(c.Host) {
		return fmt.Sprintf("postgres://%s@/%s?host=%s", c.User, c.Database, c.Host)
	}
	return fmt.Sprintf("postgres://%s@%s/%s", c.User, net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))), c.Database)
}

// locate makes the files that the address names relative to dir, as all paths of a configuration are.
func locate(c *pq.Config, dsn, dir string) {
	address, err := url.Parse(dsn)
	if err != nil {
		return
	}
	for name, path := range map[string]*string{"passfile": &c.Passfile, "sslcert": &c.SSLCert, "sslkey": &c.SSLKey,
		"sslrootcert": &c.SSLRootCert} {
		if value := address.Query().Get(name); value != "" && value != "system" && !c.SSLInline && !filepath.IsAbs(value) {
			*path = filepath.Join(dir, value)
		}
	}
}

// settingsFor are the statements that make a session's behaviour ours where the address does not say otherwise: the
// schema; limits on waiting, so that a process that hangs keeps nobody out for long; probes, so that a client that is gone
// is noticed; durable commits. They are statements since poolers refuse them as parameters of the connection.
func settingsFor(c pq.Config) string {
	ours := map[string]string{"search_path": "public", "TimeZone": "UTC", "standard_conforming_strings": "on",
		"statement_timeout": "15min", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "2min",
		"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if _, given := c.Runtime[name]; !given && !strings.Contains(c.Options, name) {
			fmt.Fprintf(&b, "SET %s = '%s'; ", name, ours[name])
		}
	}
	return b.String() + `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`
}

// settled opens connections with our settings.
type settled struct {
	*pq.Connector
	settings string
}

func (s settled) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	session, ok := c.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.ErrUnsupported, c.Close())
	}
	if _, err := session.ExecContext(ctx, s.settings, nil); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// greetPostgres refuses what would only fail later: a server older than oldest, texts that could not be stored, no schema.
func greetPostgres(oldest int) func(context.Context, *tx) error {
	return func(ctx context.Context, t *tx) error { return t.greet(ctx, oldest) }
}

func (t *tx) greet(ctx context.Context, oldest int) error {
	var is struct {
		Version  int    `db:"version"`
		Shown    string `db:"shown"`
		Encoding string `db:"encoding"`
		Schema   string `db:"schema"`
		Path     string `db:"path"`
	}
	if err := t.get(ctx, &is, `SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS shown,
		current_setting('server_encoding') AS encoding, coalesce(current_schema(), '') AS schema,
		current_setting('search_path') AS path`); err != nil {
		return err
	}
	switch {
	case is.Version < oldest:
		return &Error{Op: "server", Reason: "is PostgreSQL " + is.Shown + ", which is too old",
			Hint: "use PostgreSQL " + strconv.Itoa(oldest/10000) + " or newer"}
	case is.Encoding != "UTF8":
		return &Error{Op: "database", Reason: "its encoding is " + is.Encoding + ", which cannot hold every name",
			Hint: "make one with: createdb --encoding UTF8 --template template0 NAME"}
	case is.Schema == "":
		return &Error{Op: "schema " + is.Path, Reason: "does not exist, or may not be used",
			Hint: "as its owner: CREATE SCHEMA NAME AUTHORIZATION ROLE, or GRANT USAGE, CREATE ON SCHEMA NAME TO ROLE"}
	}
	return nil
}

// commitPostgres commits. If the connection is lost before the answer comes, the server is asked what became of the
// transaction, by the number that it had; it must not be carried out twice, nor taken for done.
func commitPostgres(ctx context.Context, d *DB, t *tx) error {
	var number sql.NullString
	if err := t.get(ctx, &number, `SELECT pg_current_xact_id_if_assigned()::text`); err != nil {
		return err
	}
	err := t.Commit()
	if err == nil || fatePostgres(err) != severed || !number.Valid {
		return err
	}
	return d.recall(ctx, number.String, err)
}

// errRolledBack says that the server did not carry out a commit whose answer was lost.
var errRolledBack = errors.New("the transaction was rolled back")

// recall finds out what became of a transaction. lost is the fault that kept the answer away.
func (d *DB) recall(ctx context.Context, number string, lost error) error {
	waiting, cancel := context.WithTimeout(ctx, max(d.patience, time.Second))
	defer cancel()
	for n := 1; ; n++ {
		var status sql.NullString
		err := d.db.GetContext(waiting, &status, `SELECT pg_xact_status($1::text::xid8)`, number)
		switch {
		case err == nil && status.String == "committed":
			return nil
		case err == nil && status.String == "aborted":
			return fmt.Errorf("%w: %w", errRolledBack, lost)
		case err == nil && status.String == "in progress": // the old session has not noticed yet
		case fatePostgres(err) != severed:
			return unknownCommit(errors.Join(lost, err))
		}
		if !d.pause(waiting, n) {
			return unknownCommit(errors.Join(lost, err))
		}
	}
}

// errDoubtful says that nobody knows whether a commit was carried out. It must not be tried again.
var errDoubtful = errors.New("whether the commit was carried out is not known")

func unknownCommit(err error) error {
	return &Error{Op: "commit", Reason: "the connection to the database was lost", Err: errors.Join(errDoubtful, err),
		Hint: "once the database is back, run again: the next run reads back what is there"}
}
