-- Version 1 of the ledger. Later versions are numbered files beside this one; none edits this one.
-- Moments are UTC text of one fixed width, so that text order is time order. Quantities are decimal
-- text: what is posted equals what stands here, to the last digit.

CREATE TABLE migration (
    version INTEGER PRIMARY KEY,
    applied_at TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT;

-- Append-only, hash-chained: hash = H(previous hash, seq, at, kind, site, body).
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    site TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER journal_is_not_edited BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_not_cut BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- One row per process that ever held this ledger: the highest one may write intents.
CREATE TABLE epoch (
    epoch INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at TEXT NOT NULL
) STRICT;

CREATE TABLE site (
    site TEXT PRIMARY KEY,
    previous_review TEXT NOT NULL DEFAULT '', -- newest review that later ones compare with
    accepted_review TEXT NOT NULL DEFAULT '', -- its picture was accepted whole, in a person's name
    not_before TEXT NOT NULL DEFAULT ''       -- slots up to here predate a restore: never opened
) STRICT;

CREATE TABLE review (
    review_id TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    slot TEXT NOT NULL UNIQUE,
    plan TEXT NOT NULL,
    slot_at TEXT NOT NULL,
    mode TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('opened', 'recorded', 'closed')),
    epoch INTEGER NOT NULL REFERENCES epoch (epoch),
    takeovers INTEGER NOT NULL DEFAULT 0,
    opened_at TEXT NOT NULL,
    recorded_at TEXT,
    closed_at TEXT,
    outcome TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    erp_date TEXT,
    accepted INTEGER NOT NULL DEFAULT 0,
    source TEXT NOT NULL DEFAULT '',
    policy_digest TEXT NOT NULL DEFAULT '',
    snapshot_digest TEXT NOT NULL DEFAULT '',
    evidence_digest TEXT NOT NULL DEFAULT '',
    counts TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX review_by_site ON review (site, slot_at);

-- One row per requisition line, from the verdict to the closed document.
CREATE TABLE line (
    key TEXT PRIMARY KEY CHECK (length(key) = 10),
    review_id TEXT NOT NULL REFERENCES review (review_id),
    site TEXT NOT NULL,
    node TEXT NOT NULL,
    item TEXT NOT NULL,
    line_no INTEGER NOT NULL,
    quantity TEXT NOT NULL,
    decided TEXT NOT NULL,     -- what the fail-safes allowed for this item-node in this review
    unit TEXT NOT NULL,
    due TEXT NOT NULL,
    purchasing_group TEXT NOT NULL,
    supplying_node TEXT NOT NULL,
    mode TEXT NOT NULL,        -- the poster it was decided for; never posted by another
    owed_on TEXT NOT NULL,     -- the ERP's calendar day of the review
    value REAL NOT NULL,       -- the money reserved
    line_hash TEXT NOT NULL,   -- what an approval is bound to
    payload_hash TEXT NOT NULL,
    reasons TEXT NOT NULL,
    expires_at TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '', -- why it is in this state
    number TEXT NOT NULL DEFAULT '',
    number_line TEXT NOT NULL DEFAULT '',
    filed_at TEXT NOT NULL DEFAULT '',
    erp_quantity TEXT NOT NULL DEFAULT '',
    messages TEXT NOT NULL DEFAULT '[]',
    UNIQUE (review_id, node, item, line_no)
) STRICT;
CREATE INDEX line_by_state ON line (site, state);
CREATE INDEX line_by_day ON line (site, owed_on);
CREATE INDEX line_by_item ON line (site, node, item, owed_on);
CREATE TRIGGER line_payload_is_not_edited
BEFORE UPDATE OF
    key, review_id, site, node, item, line_no, quantity, decided, unit, due, purchasing_group,
    supplying_node, mode, payload_hash, line_hash ON line
BEGIN SELECT RAISE(ABORT, 'what was decided is not edited'); END;
CREATE TRIGGER line_is_not_deleted BEFORE DELETE ON line
BEGIN SELECT RAISE(ABORT, 'what was decided is not deleted'); END;

-- Which journal record moved which line where.
CREATE TABLE transition (
    key TEXT NOT NULL REFERENCES line (key),
    seq INTEGER NOT NULL REFERENCES journal (seq),
    state TEXT NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;

-- One row per send, committed before the send.
CREATE TABLE attempt (
    attempt_id INTEGER PRIMARY KEY,
    document_key TEXT NOT NULL,
    site TEXT NOT NULL,
    mode TEXT NOT NULL,
    epoch INTEGER NOT NULL REFERENCES epoch (epoch),
    boot_id TEXT NOT NULL,
    monotonic REAL NOT NULL,
    at TEXT NOT NULL,
    payload_hash TEXT NOT NULL,
    outcome TEXT NOT NULL DEFAULT '', -- '' = no answer was ever written down
    detail TEXT NOT NULL DEFAULT '',
    settled_at TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE attempt_line (
    key TEXT NOT NULL REFERENCES line (key),
    attempt_id INTEGER NOT NULL REFERENCES attempt (attempt_id),
    -- '' and in_doubt: the ERP may have it. filed: it has. Anything else: it surely has not.
    outcome TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (key, attempt_id)
) STRICT, WITHOUT ROWID;

-- The quarantine of each line in doubt, on the monotonic clock of one boot.
CREATE TABLE doubt (
    key TEXT PRIMARY KEY REFERENCES line (key),
    boot_id TEXT NOT NULL,
    since REAL NOT NULL,
    since_at TEXT NOT NULL,
    absent_since REAL -- first complete look after the quarantine that found nothing
) STRICT;

CREATE TABLE vital (
    site TEXT NOT NULL,
    slot TEXT NOT NULL,
    day TEXT NOT NULL,
    weekday INTEGER NOT NULL,
    node TEXT NOT NULL,
    items INTEGER NOT NULL,
    stock_rows INTEGER NOT NULL,
    pipeline_rows INTEGER NOT NULL,
    zero_share REAL NOT NULL,
    lines INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (site, slot, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX vital_by_day ON vital (site, day);

CREATE TABLE halt (
    halt_id INTEGER PRIMARY KEY,
    site TEXT NOT NULL, -- '' = every site of this ledger
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    lifted_at TEXT NOT NULL DEFAULT '',
    lifted_by TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE breaker (
    site TEXT NOT NULL,
    node TEXT NOT NULL,
    tripped_at TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (site, node)
) STRICT, WITHOUT ROWID;

-- One row, rewritten by the health check: proves that a commit still works.
CREATE TABLE beat (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    at TEXT NOT NULL
) STRICT;
