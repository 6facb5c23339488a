-- What the migrations give; a test keeps it so. Explained in 0001_init.sql.

CREATE TABLE cost (
  phase TEXT NOT NULL,
  script TEXT NOT NULL,
  micros INTEGER NOT NULL,
  run INTEGER NOT NULL,
  samples BLOB NOT NULL,
  PRIMARY KEY (phase, script)
) WITHOUT ROWID;

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

CREATE TABLE populated (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  key BLOB NOT NULL,
  boot TEXT,
  tokens BLOB NOT NULL,
  verify TEXT NOT NULL,
  prior TEXT NOT NULL
);

CREATE TABLE reading (
  shelf INTEGER PRIMARY KEY,
  body BLOB NOT NULL
);

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

CREATE TABLE unit (
  id INTEGER PRIMARY KEY,
  key BLOB UNIQUE,
  label TEXT NOT NULL,
  glance BLOB NOT NULL,
  plan BLOB NOT NULL,
  problems BLOB NOT NULL,
  manifest BLOB NOT NULL
);

CREATE TABLE usage (
  unit INTEGER PRIMARY KEY REFERENCES unit (id) ON DELETE CASCADE,
  used INTEGER NOT NULL,
  ran INTEGER,
  boot TEXT,
  costs BLOB NOT NULL
);
