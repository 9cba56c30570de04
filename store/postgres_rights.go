package store

import (
	"context"
	"slices"
	"strings"
)

// rights are what a role that runs trueup needs on each table; reading commands need SELECT only.
var rights = map[string][]string{
	"schema_migrations": {"SELECT"},
	"ledger":            {"SELECT", "INSERT"},
	"lease":             {"SELECT", "UPDATE"},
	"runs":              {"SELECT", "INSERT", "UPDATE"},
	"pulls":             {"SELECT", "INSERT"},
	"pull_files":        {"SELECT", "INSERT"},
	"plans":             {"SELECT", "INSERT", "UPDATE"},
	"plan_inputs":       {"SELECT", "INSERT"},
	"plan_rows":         {"SELECT", "INSERT"},
	"plan_verdicts":     {"SELECT", "INSERT", "DELETE"},
	"plan_links":        {"SELECT", "INSERT", "DELETE"},
	"positions":         {"SELECT", "INSERT"},
	"findings":          {"SELECT", "INSERT"},
	"guards":            {"SELECT", "INSERT"},
	"cases":             {"SELECT", "INSERT", "UPDATE"},
	"intents":           {"SELECT", "INSERT", "UPDATE"},
	"outcomes":          {"SELECT", "INSERT"},
	"schedules":         {"SELECT", "INSERT", "UPDATE"},
	"slots":             {"SELECT", "INSERT", "UPDATE", "DELETE"},
}

// readyPostgres fails unless the server takes writes, and the role has the rights that a run needs.
func readyPostgres(ctx context.Context, t *tx, migrating bool) error {
	var is struct {
		Standby  bool   `db:"standby"`
		ReadOnly bool   `db:"read_only"`
		Create   bool   `db:"may_create"`
		Temp     bool   `db:"may_stage"`
		Schema   string `db:"schema"`
		Role     string `db:"role"`
	}
	if err := t.get(ctx, &is, `SELECT pg_is_in_recovery() AS standby,
		current_setting('default_transaction_read_only')::boolean AS read_only, current_schema() AS schema, current_user AS role,
		has_schema_privilege(current_schema(), 'CREATE') AS may_create,
		has_database_privilege(current_database(), 'TEMPORARY') AS may_stage`); err != nil {
		return err
	}
	switch {
	case is.Standby:
		return &Error{Op: "server", Reason: "it is a standby, which only reads", Hint: readOnlyHint}
	case is.ReadOnly:
		return &Error{Op: "database", Reason: "it is read-only", Hint: readOnlyHint}
	case !is.Temp:
		return &Error{Op: "database", Reason: "role " + is.Role + " may not make temporary tables in it",
			Hint: "as its owner: GRANT TEMPORARY ON DATABASE NAME TO " + is.Role}
	case migrating && !is.Create:
		return &Error{Op: "schema " + is.Schema, Reason: "role " + is.Role + " may not create tables in it",
			Hint: "as its owner: GRANT CREATE ON SCHEMA " + is.Schema + " TO " + is.Role + "; or let a role that may run trueup check first"}
	case migrating:
		return nil
	}
	return t.allowed(ctx, is.Schema, is.Role)
}

// roomPostgres takes 8 MiB where the ledger's tables are, and gives them back: a disk that is full is only known by
// writing, and a run must not find out in its midst. PostgreSQL gives a growing table its blocks on the disk at once.
const roomPostgres = `SET LOCAL temp_tablespaces = '';
	CREATE TEMPORARY TABLE room (filler text) ON COMMIT DROP;
	ALTER TABLE room ALTER filler SET STORAGE PLAIN;
	INSERT INTO room SELECT repeat('x', 8000) FROM generate_series(1, 1024)`

// allowed fails, naming all at once, if a right on a table is missing.
func (t *tx) allowed(ctx context.Context, schema, role string) error {
	var values []string
	for table, wanted := range rights {
		for _, right := range wanted {
			values = append(values, "('"+table+"', '"+right+"')")
		}
	}
	slices.Sort(values)
	var missing []struct {
		Table string `db:"name"`
		Right string `db:"right_on"`
	}
	if err := t.list(ctx, &missing, `SELECT name, right_on FROM (VALUES `+strings.Join(values, ", ")+`) AS wanted (name, right_on)
		WHERE NOT has_table_privilege(format('%I.%I', current_schema(), name), right_on) ORDER BY name, right_on`); err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	grants := make([]string, len(missing))
	for n, m := range missing {
		grants[n] = m.Right + " on " + m.Table
	}
	return &Error{Op: "schema " + schema, Reason: "role " + role + " lacks " + strings.Join(grants, ", "),
		Hint: "as the owner of the tables: GRANT " + missing[0].Right + " ON " + schema + "." + missing[0].Table + " TO " + role + ", and so on"}
}
