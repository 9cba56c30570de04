-- What the scheduler remembers. It is no part of the chained ledger: it says when something was to be run, not what was
-- decided or done.

-- Since when a schedule is known with the expression and zone it has now; due times before that are nobody's.
CREATE TABLE schedules (
    schedule TEXT COLLATE "C" PRIMARY KEY,
    spec     TEXT COLLATE "C" NOT NULL,
    since    BIGINT NOT NULL
);

-- One row for each due time that was taken up, so that of several processes one does; and one for each stretch of due
-- times that were skipped or missed, at the last of them.
CREATE TABLE slots (
    schedule      TEXT COLLATE "C" NOT NULL,
    scheduled_for BIGINT NOT NULL,
    claimed       BIGINT NOT NULL,
    claimed_by    TEXT COLLATE "C" NOT NULL,
    alive         BIGINT NOT NULL, -- when its process was last known to be there
    finished      BIGINT,
    run           TEXT COLLATE "C" NOT NULL, -- id of the run it made; '' if none
    state         TEXT COLLATE "C" NOT NULL CHECK (state IN ('running', 'done', 'failed', 'skipped', 'missed')),
    exit          BIGINT NOT NULL,
    slot_count    BIGINT NOT NULL, -- due times that the row stands for
    detail        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (schedule, scheduled_for)
);
