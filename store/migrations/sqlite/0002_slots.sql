-- What the scheduler remembers. It is no part of the chained ledger: it says when something was to be run, not what was
-- decided or done.

-- Since when a schedule is known with the expression and zone it has now; due times before that are nobody's.
CREATE TABLE schedules (
    schedule TEXT PRIMARY KEY,
    spec     TEXT NOT NULL,
    since    INTEGER NOT NULL
) STRICT;

-- One row for each due time that was taken up, so that of several processes one does; and one for each stretch of due
-- times that were skipped or missed, at the last of them.
CREATE TABLE slots (
    schedule      TEXT NOT NULL,
    scheduled_for INTEGER NOT NULL,
    claimed       INTEGER NOT NULL,
    claimed_by    TEXT NOT NULL,
    alive         INTEGER NOT NULL, -- when its process was last known to be there
    finished      INTEGER,
    run           TEXT NOT NULL, -- id of the run it made; '' if none
    state         TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'skipped', 'missed')),
    exit          INTEGER NOT NULL,
    slot_count    INTEGER NOT NULL, -- due times that the row stands for
    detail        TEXT NOT NULL,
    PRIMARY KEY (schedule, scheduled_for)
) STRICT;
