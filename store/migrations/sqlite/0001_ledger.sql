-- The ledger and its projections. Instants are milliseconds since 1970 in UTC, days are counted from 1970-01-01 in the
-- organisation's zone, digests are text, money is in minor units. NULL means not known or none.

-- Append-only: each entry's hash covers the entry and the hash before it.
CREATE TABLE ledger (
    seq  INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    run  TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- One row: who may act, and the fencing epoch.
CREATE TABLE lease (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    who   TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;
INSERT INTO lease (id, epoch, who, since, until) VALUES (1, 0, '', 0, 0);

CREATE TABLE runs (
    id       TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,
    started  INTEGER NOT NULL,
    finished INTEGER,
    as_of    INTEGER,
    state    TEXT NOT NULL,
    plan     TEXT NOT NULL,
    exit     INTEGER NOT NULL,
    error    TEXT NOT NULL,
    who      TEXT NOT NULL,
    build    TEXT NOT NULL,
    workbook TEXT NOT NULL,
    salt     BLOB NOT NULL, -- opens the commitments of this run's texts in the ledger
    seq      INTEGER NOT NULL REFERENCES ledger (seq)
) STRICT;

CREATE TABLE pulls (
    seq      INTEGER PRIMARY KEY REFERENCES ledger (seq),
    run      TEXT NOT NULL REFERENCES runs (id),
    source   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    feed     TEXT NOT NULL,
    observed INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    failure  TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    rejected INTEGER NOT NULL
) STRICT;
CREATE INDEX pulls_by_feed ON pulls (source, feed, observed);

CREATE TABLE pull_files (
    pull      INTEGER NOT NULL REFERENCES pulls (seq),
    n         INTEGER NOT NULL,
    name      TEXT NOT NULL,
    sha256    TEXT NOT NULL,
    bytes     INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    product   TEXT NOT NULL,
    PRIMARY KEY (pull, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE plans (
    id           TEXT PRIMARY KEY,
    seq          INTEGER NOT NULL UNIQUE REFERENCES ledger (seq),
    run          TEXT NOT NULL REFERENCES runs (id),
    as_of        INTEGER NOT NULL,
    made         INTEGER NOT NULL,
    decisions    TEXT NOT NULL,
    digest       TEXT NOT NULL,
    build        TEXT NOT NULL,
    snapshot     TEXT NOT NULL,
    policy       TEXT NOT NULL,
    products     TEXT NOT NULL,
    options      TEXT NOT NULL,
    config       TEXT NOT NULL,
    all_rows     TEXT NOT NULL,
    mode         TEXT NOT NULL,
    complete     INTEGER NOT NULL,
    people       INTEGER NOT NULL,
    seats        INTEGER NOT NULL,
    row_count    INTEGER NOT NULL,
    applied_by   TEXT NOT NULL
) STRICT;

CREATE TABLE plan_inputs (
    plan       TEXT NOT NULL REFERENCES plans (id),
    n          INTEGER NOT NULL,
    source     TEXT NOT NULL,
    feed       TEXT NOT NULL,
    observed   INTEGER,
    complete   INTEGER NOT NULL, -- read whole
    row_count  INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    from_at    INTEGER,
    to_at      INTEGER,
    covered    INTEGER NOT NULL, -- without a gap from from_at to to_at
    match_rate REAL NOT NULL,
    PRIMARY KEY (plan, n)
) STRICT, WITHOUT ROWID;

-- Rows that call for something, or whose verdict is not the last plan's.
CREATE TABLE plan_rows (
    plan         TEXT NOT NULL REFERENCES plans (id),
    n            INTEGER NOT NULL, -- number of the row in the plan
    product      TEXT NOT NULL,
    holder       TEXT NOT NULL,
    source       TEXT NOT NULL,
    account      TEXT NOT NULL,
    login        TEXT NOT NULL,
    department   TEXT NOT NULL,
    paths        TEXT NOT NULL, -- sorted, joined by ';'
    situation    TEXT NOT NULL,
    verdict      TEXT NOT NULL,
    was          TEXT NOT NULL, -- verdict in the last plan; '' if the row is new or there was no plan
    reasons      TEXT NOT NULL,
    rule         TEXT NOT NULL,
    idle_days    INTEGER,
    last_use     INTEGER,
    due          INTEGER,
    covering     TEXT NOT NULL,
    currency     TEXT NOT NULL,
    exposure     INTEGER NOT NULL,
    reassignable INTEGER NOT NULL,
    reducible    INTEGER NOT NULL,
    effective    INTEGER,
    action       TEXT NOT NULL, -- the case; '' where the action is keep
    kind         TEXT NOT NULL,
    state        TEXT NOT NULL, -- as planned; the case has the current one
    notice_until INTEGER,
    approver     TEXT NOT NULL,
    held_by      TEXT NOT NULL,
    action_at    TEXT NOT NULL, -- source where the action is carried out
    item         TEXT NOT NULL,
    to_item      TEXT NOT NULL,
    to_product   TEXT NOT NULL,
    detail       TEXT NOT NULL,
    PRIMARY KEY (plan, n)
) STRICT;

-- The verdicts of all rows of the newest plan, packed, to tell what has changed in the next one.
CREATE TABLE plan_verdicts (
    plan   TEXT PRIMARY KEY REFERENCES plans (id),
    packed BLOB NOT NULL
) STRICT;

-- Which person each account was last linked to, packed, so that a person who is gone from a directory is told from an
-- account that never had one.
CREATE TABLE plan_links (
    plan   TEXT PRIMARY KEY REFERENCES plans (id),
    packed BLOB NOT NULL
) STRICT;

CREATE TABLE positions (
    plan              TEXT NOT NULL REFERENCES plans (id),
    n                 INTEGER NOT NULL,
    product           TEXT NOT NULL,
    pool              TEXT NOT NULL,
    purchased         INTEGER,
    counter_purchased INTEGER,
    counter_consumed  INTEGER,
    assigned          INTEGER,
    active            INTEGER,
    idle              INTEGER,
    spare             INTEGER,
    peak              INTEGER,
    reserved          INTEGER,
    denied            INTEGER,
    reclaimable       INTEGER,
    flags             TEXT NOT NULL,
    notice            INTEGER,
    ends              INTEGER,
    currency          TEXT NOT NULL,
    unit_price        TEXT NOT NULL, -- decimal, per seat and month; '' without a price
    PRIMARY KEY (plan, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
    plan    TEXT NOT NULL REFERENCES plans (id),
    n       INTEGER NOT NULL,
    code    TEXT NOT NULL,
    subject TEXT NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (plan, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE guards (
    plan      TEXT NOT NULL REFERENCES plans (id),
    n         INTEGER NOT NULL,
    guard     TEXT NOT NULL,
    scope     TEXT NOT NULL,
    measured  REAL,
    threshold REAL NOT NULL,
    state     TEXT NOT NULL,
    withholds INTEGER NOT NULL,
    why       TEXT NOT NULL,
    PRIMARY KEY (plan, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE cases (
    id         TEXT PRIMARY KEY,
    opened     INTEGER NOT NULL,
    due        INTEGER,
    state      TEXT NOT NULL,
    source     TEXT NOT NULL,
    account    TEXT NOT NULL,
    login      TEXT NOT NULL,
    product    TEXT NOT NULL,
    holder     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    target     TEXT NOT NULL,
    verdict    TEXT NOT NULL, -- with another one, or other paths, the case is over
    paths      TEXT NOT NULL,
    plan       TEXT NOT NULL REFERENCES plans (id), -- the last that changed it
    ended      INTEGER,
    cause      TEXT NOT NULL,
    salt       BLOB NOT NULL, -- opens the commitments of this case in the ledger
    commitment TEXT NOT NULL  -- the case's name in the ledger
) STRICT;
CREATE INDEX cases_open ON cases (ended) WHERE ended IS NULL;

CREATE TABLE intents (
    seq        INTEGER PRIMARY KEY REFERENCES ledger (seq),
    action     TEXT NOT NULL REFERENCES cases (id),
    plan       TEXT NOT NULL REFERENCES plans (id),
    run        TEXT NOT NULL REFERENCES runs (id),
    epoch      INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    source     TEXT NOT NULL,
    account    TEXT NOT NULL,
    login      TEXT NOT NULL,
    item       TEXT NOT NULL,
    to_item    TEXT NOT NULL,
    before     TEXT NOT NULL, -- JSON list of the vendor's SKUs
    holder     TEXT NOT NULL,
    product    TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    department TEXT NOT NULL,
    pending    INTEGER NOT NULL -- 1 until an outcome other than sent
) STRICT;
CREATE UNIQUE INDEX intents_pending ON intents (action) WHERE pending = 1;
CREATE INDEX intents_by_action ON intents (action);

CREATE TABLE outcomes (
    seq     INTEGER PRIMARY KEY REFERENCES ledger (seq),
    action  TEXT NOT NULL REFERENCES cases (id),
    intent  INTEGER REFERENCES intents (seq), -- NULL: a person's answer
    run     TEXT NOT NULL REFERENCES runs (id),
    attempt INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    state   TEXT NOT NULL,
    already INTEGER NOT NULL,
    request TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX outcomes_by_action ON outcomes (action);
CREATE INDEX outcomes_by_at ON outcomes (at);
