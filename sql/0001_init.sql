-- What a boot leaves for the next one. Never edit a migration that was released: append a new file.
-- Comments stand outside the statements, because SQLite stores a statement as it is written and parses it at each boot.

-- A unit whose definitions were verified. "key" is the digest of all that was asked for; it is NULL once a newer plan
-- took its place and only recorded runs still refer to this one. "glance" is what an unchanged boot reads;
-- "manifest" tells
-- what changed, and stands last because SQLite walks through long values to reach what is behind them. Blobs end in a
-- seal (see src/history/seal.rs).
CREATE TABLE unit (
  id INTEGER PRIMARY KEY,
  key BLOB UNIQUE,
  label TEXT NOT NULL,
  glance BLOB NOT NULL,
  plan BLOB NOT NULL,
  problems BLOB NOT NULL,
  manifest BLOB NOT NULL
);

-- What changes with each run of a unit, apart from it so that a run does not rewrite the plan. "costs" holds one
-- little-endian u32 of microseconds for each job of the plan, 0 for an unknown one; "used" counts up with each save that
-- names the unit, "ran" is its value when the unit was last run or populated.
CREATE TABLE usage (
  unit INTEGER PRIMARY KEY REFERENCES unit (id) ON DELETE CASCADE,
  used INTEGER NOT NULL,
  ran INTEGER,
  boot TEXT,
  costs BLOB NOT NULL
);

-- What was read in the files of definitions, so that a rebuild reads only those that changed (see
-- src/history/reading.rs).
CREATE TABLE reading (
  shelf INTEGER PRIMARY KEY,
  body BLOB NOT NULL
);

-- Median duration of a script's last successful runs in microseconds; "samples" are little-endian u32, oldest first.
CREATE TABLE cost (
  phase TEXT NOT NULL,
  script TEXT NOT NULL,
  micros INTEGER NOT NULL,
  run INTEGER NOT NULL,
  samples BLOB NOT NULL,
  PRIMARY KEY (phase, script)
) WITHOUT ROWID;

-- One run of a unit. Times are nanoseconds of CLOCK_MONOTONIC, which begins anew with each boot.
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  unit INTEGER REFERENCES unit (id) ON DELETE SET NULL,
  key BLOB NOT NULL,
  label TEXT NOT NULL,
  phase TEXT NOT NULL,
  boot TEXT,
  begin_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  why TEXT NOT NULL,
  interrupted INTEGER
);

-- What became of each job of a run, in the order of the plan.
CREATE TABLE job (
  run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  script TEXT NOT NULL,
  name TEXT NOT NULL,
  ready_ns INTEGER,
  start_ns INTEGER,
  available_ns INTEGER,
  end_ns INTEGER,
  outcome TEXT NOT NULL,
  status INTEGER NOT NULL,
  user_us INTEGER NOT NULL,
  system_us INTEGER NOT NULL,
  max_rss_kib INTEGER NOT NULL,
  PRIMARY KEY (run, number)
) WITHOUT ROWID;

-- The last call of serelhistory --populate, in one row.
CREATE TABLE populated (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  key BLOB NOT NULL,
  boot TEXT,
  tokens BLOB NOT NULL,
  verify TEXT NOT NULL,
  prior TEXT NOT NULL
);
