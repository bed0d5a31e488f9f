-- Locks that several processes may use. A lease is one holder's right to its bead and its files; it lives as long as
-- its owner, a process or a run, says that it is there.

DROP TABLE leases;

CREATE TABLE owners (
    owner   TEXT PRIMARY KEY,
    "until" REAL NOT NULL                 -- later than this without a word of it, and all that it holds is free
) WITHOUT ROWID;

CREATE TABLE leases (
    token INTEGER PRIMARY KEY,            -- the fencing token
    owner TEXT    NOT NULL REFERENCES owners (owner) ON DELETE CASCADE,
    bead  TEXT    NOT NULL,
    since REAL    NOT NULL
);
CREATE UNIQUE INDEX a_bead_is_leased_once ON leases (bead);
CREATE INDEX leases_by_owner ON leases (owner);

CREATE TABLE locks (
    token   INTEGER NOT NULL REFERENCES leases (token) ON DELETE CASCADE,
    pattern TEXT    NOT NULL,
    shared  INTEGER NOT NULL,
    path    TEXT    NOT NULL,             -- where all that it matches lies below; empty: anywhere
    PRIMARY KEY (token, pattern)
) WITHOUT ROWID;
CREATE INDEX locks_by_path ON locks (path);
CREATE UNIQUE INDEX a_pattern_is_held_by_one ON locks (pattern) WHERE shared = 0;

CREATE TABLE fence (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    highest INTEGER NOT NULL              -- of all tokens that were ever used
);
INSERT INTO fence SELECT 1, COALESCE(MAX(token), 0) FROM attempts;
