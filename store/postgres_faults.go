package store

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// fatePostgres tells what a fault did to a transaction, by the codes of
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
func fatePostgres(err error) fate {
	if err == nil || errors.Is(err, errDoubtful) {
		return final
	}
	if fault, ok := errors.AsType[*pq.Error](err); ok {
		switch fault.Code {
		case pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected:
			return clashed
		case pqerror.AdminShutdown, pqerror.CrashShutdown, pqerror.CannotConnectNow, pqerror.TooManyConnections,
			pqerror.IdleInTransactionSessionTimeout:
			return severed
		}
		if fault.Code.Class() == "08" {
			return severed
		}
		return final
	}
	if _, ok := errors.AsType[*net.OpError](err); ok || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return severed
	}
	return final
}

// explained is what to tell people of one fault.
type explained struct{ reason, hint string }

var postgresCodes = map[pqerror.Code]explained{
	pqerror.InvalidPassword: {"the password is wrong, or there is none",
		"take the whole address from env:NAME or file:PATH, or set PGPASSWORD or a passfile"},
	pqerror.InvalidAuthorizationSpecification: {"the server does not let this role in from here",
		"check the name of the role, and the server's pg_hba.conf"},
	pqerror.InvalidCatalogName: {"there is no such database", "create it: createdb --owner ROLE --encoding UTF8 NAME"},
	pqerror.InvalidSchemaName: {"there is no schema to keep the ledger in",
		"create it, or name another one in the address: ?search_path=NAME"},
	pqerror.InsufficientPrivilege: {"a right is missing",
		"make the role the owner of its schema; docs/operations.md lists what it needs"},
	pqerror.ReadOnlySQLTransaction: {"the database is read-only", readOnlyHint},
	pqerror.DiskFull:               {"the database's disk is full", "free some space on the server's volume; nothing was half-written"},
	pqerror.OutOfMemory:            {"the database server is out of memory", "give it more, or try again when it is less busy"},
	pqerror.TooManyConnections: {"the server has no connection free",
		"raise max_connections or end what holds them; trueup takes 4 at most"},
	pqerror.CannotConnectNow: {"the database is starting up or shutting down", "try again once it is up"},
	pqerror.AdminShutdown:    {lostReason, lostHint},
	pqerror.CrashShutdown:    {lostReason, lostHint},
	pqerror.LockNotAvailable: {"another process is writing to the database", "try again once it is done"},
	pqerror.QueryCanceled: {"a statement took longer than the server allows",
		"raise statement_timeout in the address, or look what keeps the server busy"},
	pqerror.TRSerializationFailure: {"others kept changing the same rows", "find out who else writes to trueup's tables, then try again"},
	pqerror.TRDeadlockDetected:     {"others kept locking the same rows", "find out who else writes to trueup's tables, then try again"},
	pqerror.UndefinedTable:         {"a table of the ledger is missing", "restore the last backup; do not let a new ledger begin beside it"},
	pqerror.DataCorrupted:          {"the database is damaged", "keep a copy of it, and restore the last backup beside it"},
	pqerror.IndexCorrupted:         {"an index of the database is damaged", "keep a copy of the database, then REINDEX it"},
	pqerror.IOError:                {"the server cannot read or write its disk", "look at the server's log and its volume"},
	pqerror.UndefinedObject:        {"the server does not know a setting of the address", "correct what stands after the ? in the address"},
}

const (
	readOnlyHint = "name the primary server in the address, or take default_transaction_read_only from role and database"
	lostReason   = "the connection to the database was lost"
	lostHint     = "nothing was half-written; once the database is back, run again"
)

// explainPostgres knows what a person can do something about.
func explainPostgres(err error) (reason, hint string) {
	if fault, ok := errors.AsType[*pq.Error](err); ok {
		it := postgresCodes[fault.Code]
		if it.reason == "" && fault.Code.Class() == "08" {
			return lostReason, lostHint
		}
		return it.reason, it.hint
	}
	unknown, named := errors.AsType[*net.DNSError](err)
	timeout, waited := errors.AsType[net.Error](err)
	switch {
	case named && unknown.IsNotFound:
		return "there is no such host", "check the host in the address"
	case named:
		return "the host's name cannot be looked up", "check the host in the address, and this machine's name server"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "no server answers there", "check that PostgreSQL runs, and host and port in the address"
	case errors.Is(err, os.ErrNotExist):
		return "no server listens there", "check that PostgreSQL runs, and the folder of its socket in the address"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the server cannot be reached", "check the host in the address, and the network"
	case errors.Is(err, os.ErrPermission):
		return "the server's socket may not be used", "give the user that runs trueup access to its folder"
	case waited && timeout.Timeout():
		return "the server does not answer", "check host and port in the address, and firewalls; connect_timeout says how long to wait"
	case errors.Is(err, pq.ErrSSLNotSupported):
		return "the server does not offer TLS", "switch TLS on there; only on a network that is trusted add ?sslmode=disable to the address"
	case fatePostgres(err) == severed:
		return lostReason, lostHint
	}
	return "", ""
}
