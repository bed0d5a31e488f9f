-- A repository's runs. `events` is the truth; the other tables follow from it in the same transaction, for readers,
-- and so that the database itself refuses what must never be.

CREATE TABLE runs (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    digest   TEXT    NOT NULL,            -- of the manifest, so that a changed one is noticed
    state    TEXT    NOT NULL,
    begun_at REAL    NOT NULL,
    ended_at REAL
);
CREATE INDEX runs_by_name ON runs (name, id);

CREATE TABLE events (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    run  INTEGER NOT NULL REFERENCES runs (id),
    at   REAL    NOT NULL,
    kind TEXT    NOT NULL,
    body TEXT    NOT NULL
);
CREATE INDEX events_by_run ON events (run, seq);

CREATE TABLE beads (
    run   INTEGER NOT NULL REFERENCES runs (id),
    bead  TEXT    NOT NULL,
    state TEXT    NOT NULL,
    since REAL    NOT NULL,
    PRIMARY KEY (run, bead)
) WITHOUT ROWID;

CREATE TABLE attempts (
    token   INTEGER PRIMARY KEY,          -- the fencing token: never given twice in a repository
    run     INTEGER NOT NULL REFERENCES runs (id),
    bead    TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    worker  TEXT    NOT NULL,
    route   TEXT    NOT NULL,
    begun   REAL    NOT NULL,
    ended   REAL,
    ending  TEXT,
    reason  TEXT,
    usd     REAL,
    tokens  INTEGER
);
CREATE UNIQUE INDEX an_attempt_number_is_used_once   ON attempts (bead, number);
CREATE UNIQUE INDEX a_bead_is_with_one_worker        ON attempts (run, bead)   WHERE ended IS NULL;
CREATE UNIQUE INDEX a_worker_has_one_bead            ON attempts (run, worker) WHERE ended IS NULL;

CREATE TABLE leases (
    run     INTEGER NOT NULL REFERENCES runs (id),
    bead    TEXT    NOT NULL,
    pattern TEXT    NOT NULL,
    shared  INTEGER NOT NULL,
    token   INTEGER NOT NULL REFERENCES attempts (token),
    epoch   INTEGER NOT NULL,
    since   REAL    NOT NULL,
    PRIMARY KEY (run, bead, pattern)
) WITHOUT ROWID;
CREATE UNIQUE INDEX a_pattern_is_held_by_one ON leases (run, pattern) WHERE shared = 0;

CREATE TABLE landings (
    run    INTEGER NOT NULL REFERENCES runs (id),
    bead   TEXT    NOT NULL,
    token  INTEGER NOT NULL REFERENCES attempts (token),
    "commit" TEXT  NOT NULL,
    tree   TEXT    NOT NULL,
    checks TEXT    NOT NULL,
    at     REAL    NOT NULL,
    PRIMARY KEY (run, bead)
) WITHOUT ROWID;

CREATE TABLE breakers (
    run     INTEGER NOT NULL REFERENCES runs (id),
    route   TEXT    NOT NULL,
    state   TEXT    NOT NULL,
    "until" REAL,
    PRIMARY KEY (run, route)
) WITHOUT ROWID;

CREATE TABLE requests (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run         INTEGER NOT NULL REFERENCES runs (id),
    verb        TEXT    NOT NULL,
    bead        TEXT,
    text        TEXT    NOT NULL DEFAULT '',
    by          TEXT    NOT NULL,
    asked_at    REAL    NOT NULL,
    answered_at REAL,
    accepted    INTEGER,
    answer      TEXT
);
CREATE INDEX requests_open ON requests (run, id) WHERE answered_at IS NULL;

CREATE TABLE writer (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    epoch   INTEGER NOT NULL,
    run     TEXT    NOT NULL,
    pid     INTEGER NOT NULL,
    started REAL    NOT NULL,
    host    TEXT    NOT NULL,
    since   REAL    NOT NULL
);
