-- What the migrations give, for reading; a test holds it to that.
-- Plans of units, by the key of what was asked; one row is all that an unchanged boot reads.
CREATE TABLE unit (
    key      BLOB PRIMARY KEY,
    label    TEXT NOT NULL,
    manifest BLOB NOT NULL,
    plan     BLOB NOT NULL,
    problems BLOB NOT NULL,
    costs    BLOB NOT NULL,
    used     INTEGER NOT NULL
) WITHOUT ROWID;

-- What each file said when it was last read.
CREATE TABLE reading (
    path   TEXT PRIMARY KEY,
    stat   BLOB NOT NULL,
    digest BLOB NOT NULL,
    body   BLOB NOT NULL
) WITHOUT ROWID;

-- Median duration of the last successful runs of a script, in microseconds.
CREATE TABLE cost (
    script  TEXT NOT NULL,
    phase   INTEGER NOT NULL,
    micros  INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    PRIMARY KEY (script, phase)
) WITHOUT ROWID;

-- Runs of units. Times are nanoseconds of CLOCK_MONOTONIC in the boot named by boot.
CREATE TABLE run (
    id          INTEGER PRIMARY KEY,
    boot        TEXT NOT NULL,
    label       TEXT NOT NULL,
    phase       INTEGER NOT NULL,
    begin_ns    INTEGER NOT NULL,
    end_ns      INTEGER NOT NULL,
    cached      INTEGER NOT NULL,
    why         TEXT NOT NULL,
    interrupted INTEGER,
    edges       BLOB NOT NULL
);

-- What became of each job of a run.
CREATE TABLE job (
    run          INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    place        INTEGER NOT NULL,
    script       TEXT NOT NULL,
    name         TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    status       INTEGER NOT NULL,
    ready_ns     INTEGER,
    start_ns     INTEGER,
    available_ns INTEGER,
    end_ns       INTEGER NOT NULL,
    user_us      INTEGER NOT NULL,
    system_us    INTEGER NOT NULL,
    max_rss_kib  INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) WITHOUT ROWID;

-- The last call of serelhistory --populate; at most one row.
CREATE TABLE populated (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    boot     TEXT NOT NULL,
    request  BLOB NOT NULL,
    verify   TEXT NOT NULL,
    history  TEXT NOT NULL
);
