-- The ledger and its projections: the tables, columns and values are those of migrations/sqlite. Texts are compared by
-- their bytes, whatever the locale of the database, so that both databases sort alike. Instants are milliseconds since
-- 1970 in UTC, days are counted from 1970-01-01 in the organisation's zone, digests are text, money is in minor units.
-- NULL means not known or none.

-- Append-only: each entry's hash covers the entry and the hash before it.
CREATE TABLE ledger (
    seq  BIGINT PRIMARY KEY,
    at   BIGINT NOT NULL,
    run  TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    prev TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL UNIQUE
);
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- One row: who may act, and the fencing epoch.
CREATE TABLE lease (
    id    BIGINT PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL,
    who   TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL
);
INSERT INTO lease (id, epoch, who, since, until) VALUES (1, 0, '', 0, 0);

CREATE TABLE runs (
    id       TEXT COLLATE "C" PRIMARY KEY,
    kind     TEXT COLLATE "C" NOT NULL,
    started  BIGINT NOT NULL,
    finished BIGINT,
    as_of    BIGINT,
    state    TEXT COLLATE "C" NOT NULL,
    plan     TEXT COLLATE "C" NOT NULL,
    exit     BIGINT NOT NULL,
    error    TEXT COLLATE "C" NOT NULL,
    who      TEXT COLLATE "C" NOT NULL,
    build    TEXT COLLATE "C" NOT NULL,
    workbook TEXT COLLATE "C" NOT NULL,
    salt     BYTEA NOT NULL, -- opens the commitments of this run's texts in the ledger
    seq      BIGINT NOT NULL REFERENCES ledger (seq)
);

CREATE TABLE pulls (
    seq      BIGINT PRIMARY KEY REFERENCES ledger (seq),
    run      TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    source   TEXT COLLATE "C" NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL,
    feed     TEXT COLLATE "C" NOT NULL,
    observed BIGINT NOT NULL,
    complete BIGINT NOT NULL,
    failure  TEXT COLLATE "C" NOT NULL,
    row_count BIGINT NOT NULL,
    rejected BIGINT NOT NULL
);
CREATE INDEX pulls_by_feed ON pulls (source, feed, observed);

CREATE TABLE pull_files (
    pull      BIGINT NOT NULL REFERENCES pulls (seq),
    n         BIGINT NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    sha256    TEXT COLLATE "C" NOT NULL,
    bytes     BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    product   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (pull, n)
);

CREATE TABLE plans (
    id           TEXT COLLATE "C" PRIMARY KEY,
    seq          BIGINT NOT NULL UNIQUE REFERENCES ledger (seq),
    run          TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    as_of        BIGINT NOT NULL,
    made         BIGINT NOT NULL,
    decisions    TEXT COLLATE "C" NOT NULL,
    digest       TEXT COLLATE "C" NOT NULL,
    build        TEXT COLLATE "C" NOT NULL,
    snapshot     TEXT COLLATE "C" NOT NULL,
    policy       TEXT COLLATE "C" NOT NULL,
    products     TEXT COLLATE "C" NOT NULL,
    options      TEXT COLLATE "C" NOT NULL,
    config       TEXT COLLATE "C" NOT NULL,
    all_rows     TEXT COLLATE "C" NOT NULL,
    mode         TEXT COLLATE "C" NOT NULL,
    complete     BIGINT NOT NULL,
    people       BIGINT NOT NULL,
    seats        BIGINT NOT NULL,
    row_count    BIGINT NOT NULL,
    applied_by   TEXT COLLATE "C" NOT NULL
);

CREATE TABLE plan_inputs (
    plan       TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    n          BIGINT NOT NULL,
    source     TEXT COLLATE "C" NOT NULL,
    feed       TEXT COLLATE "C" NOT NULL,
    observed   BIGINT,
    complete   BIGINT NOT NULL, -- read whole
    row_count  BIGINT NOT NULL,
    rejected   BIGINT NOT NULL,
    from_at    BIGINT,
    to_at      BIGINT,
    covered    BIGINT NOT NULL, -- without a gap from from_at to to_at
    match_rate DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (plan, n)
);

-- Rows that call for something, or whose verdict is not the last plan's. Here and in cases the plan is no foreign key: the
-- server would look it up once for every row, which takes longer than storing the row.
CREATE TABLE plan_rows (
    plan         TEXT COLLATE "C" NOT NULL,
    n            BIGINT NOT NULL, -- number of the row in the plan
    product      TEXT COLLATE "C" NOT NULL,
    holder       TEXT COLLATE "C" NOT NULL,
    source       TEXT COLLATE "C" NOT NULL,
    account      TEXT COLLATE "C" NOT NULL,
    login        TEXT COLLATE "C" NOT NULL,
    department   TEXT COLLATE "C" NOT NULL,
    paths        TEXT COLLATE "C" NOT NULL, -- sorted, joined by ';'
    situation    TEXT COLLATE "C" NOT NULL,
    verdict      TEXT COLLATE "C" NOT NULL,
    was          TEXT COLLATE "C" NOT NULL, -- verdict in the last plan; '' if the row is new or there was no plan
    reasons      TEXT COLLATE "C" NOT NULL,
    rule         TEXT COLLATE "C" NOT NULL,
    idle_days    BIGINT,
    last_use     BIGINT,
    due          BIGINT,
    covering     TEXT COLLATE "C" NOT NULL,
    currency     TEXT COLLATE "C" NOT NULL,
    exposure     BIGINT NOT NULL,
    reassignable BIGINT NOT NULL,
    reducible    BIGINT NOT NULL,
    effective    BIGINT,
    action       TEXT COLLATE "C" NOT NULL, -- the case; '' where the action is keep
    kind         TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL, -- as planned; the case has the current one
    notice_until BIGINT,
    approver     TEXT COLLATE "C" NOT NULL,
    held_by      TEXT COLLATE "C" NOT NULL,
    action_at    TEXT COLLATE "C" NOT NULL, -- source where the action is carried out
    item         TEXT COLLATE "C" NOT NULL,
    to_item      TEXT COLLATE "C" NOT NULL,
    to_product   TEXT COLLATE "C" NOT NULL,
    detail       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (plan, n)
);

-- The verdicts of all rows of the newest plan, packed, to tell what has changed in the next one.
CREATE TABLE plan_verdicts (
    plan   TEXT COLLATE "C" PRIMARY KEY REFERENCES plans (id),
    packed BYTEA NOT NULL
);

-- Which person each account was last linked to, packed, so that a person who is gone from a directory is told from an
-- account that never had one.
CREATE TABLE plan_links (
    plan   TEXT COLLATE "C" PRIMARY KEY REFERENCES plans (id),
    packed BYTEA NOT NULL
);

CREATE TABLE positions (
    plan              TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    n                 BIGINT NOT NULL,
    product           TEXT COLLATE "C" NOT NULL,
    pool              TEXT COLLATE "C" NOT NULL,
    purchased         BIGINT,
    counter_purchased BIGINT,
    counter_consumed  BIGINT,
    assigned          BIGINT,
    active            BIGINT,
    idle              BIGINT,
    spare             BIGINT,
    peak              BIGINT,
    reserved          BIGINT,
    denied            BIGINT,
    reclaimable       BIGINT,
    flags             TEXT COLLATE "C" NOT NULL,
    notice            BIGINT,
    ends              BIGINT,
    currency          TEXT COLLATE "C" NOT NULL,
    unit_price        TEXT COLLATE "C" NOT NULL, -- decimal, per seat and month; '' without a price
    PRIMARY KEY (plan, n)
);

CREATE TABLE findings (
    plan    TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    n       BIGINT NOT NULL,
    code    TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    text    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (plan, n)
);

CREATE TABLE guards (
    plan      TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    n         BIGINT NOT NULL,
    guard     TEXT COLLATE "C" NOT NULL,
    scope     TEXT COLLATE "C" NOT NULL,
    measured  DOUBLE PRECISION,
    threshold DOUBLE PRECISION NOT NULL,
    state     TEXT COLLATE "C" NOT NULL,
    withholds BIGINT NOT NULL,
    why       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (plan, n)
);

CREATE TABLE cases (
    id         TEXT COLLATE "C" PRIMARY KEY,
    opened     BIGINT NOT NULL,
    due        BIGINT,
    state      TEXT COLLATE "C" NOT NULL,
    source     TEXT COLLATE "C" NOT NULL,
    account    TEXT COLLATE "C" NOT NULL,
    login      TEXT COLLATE "C" NOT NULL,
    product    TEXT COLLATE "C" NOT NULL,
    holder     TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    target     TEXT COLLATE "C" NOT NULL,
    verdict    TEXT COLLATE "C" NOT NULL, -- with another one, or other paths, the case is over
    paths      TEXT COLLATE "C" NOT NULL,
    plan       TEXT COLLATE "C" NOT NULL, -- the last that changed it
    ended      BIGINT,
    cause      TEXT COLLATE "C" NOT NULL,
    salt       BYTEA NOT NULL, -- opens the commitments of this case in the ledger
    commitment TEXT COLLATE "C" NOT NULL  -- the case's name in the ledger
);
CREATE INDEX cases_open ON cases (ended) WHERE ended IS NULL;

CREATE TABLE intents (
    seq        BIGINT PRIMARY KEY REFERENCES ledger (seq),
    action     TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    plan       TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    run        TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    epoch      BIGINT NOT NULL,
    attempt    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    source     TEXT COLLATE "C" NOT NULL,
    account    TEXT COLLATE "C" NOT NULL,
    login      TEXT COLLATE "C" NOT NULL,
    item       TEXT COLLATE "C" NOT NULL,
    to_item    TEXT COLLATE "C" NOT NULL,
    before     TEXT COLLATE "C" NOT NULL, -- JSON list of the vendor's SKUs
    holder     TEXT COLLATE "C" NOT NULL,
    product    TEXT COLLATE "C" NOT NULL,
    verdict    TEXT COLLATE "C" NOT NULL,
    department TEXT COLLATE "C" NOT NULL,
    pending    BIGINT NOT NULL -- 1 until an outcome other than sent
);
CREATE UNIQUE INDEX intents_pending ON intents (action) WHERE pending = 1;
CREATE INDEX intents_by_action ON intents (action);

CREATE TABLE outcomes (
    seq     BIGINT PRIMARY KEY REFERENCES ledger (seq),
    action  TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    intent  BIGINT REFERENCES intents (seq), -- NULL: a person's answer
    run     TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    attempt BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    state   TEXT COLLATE "C" NOT NULL,
    already BIGINT NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    detail  TEXT COLLATE "C" NOT NULL
);
CREATE INDEX outcomes_by_action ON outcomes (action);
CREATE INDEX outcomes_by_at ON outcomes (at);
