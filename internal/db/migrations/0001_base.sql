-- People, sessions, settings, and the history that every change writes.
-- One text for SQLite and PostgreSQL: IDs (UUIDv7) and times come from Go, JSON is TEXT.
-- +goose Up
CREATE TABLE setting (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE TABLE person (
    id            TEXT PRIMARY KEY,
    login         TEXT NOT NULL UNIQUE,          -- lower case
    name          TEXT NOT NULL,                 -- shown to colleagues, never released
    password_hash TEXT NOT NULL DEFAULT '',      -- argon2id; empty: cannot log in
    locale        TEXT NOT NULL DEFAULT '',      -- zh-CN, en, or empty for the browser's
    theme         TEXT NOT NULL DEFAULT '',      -- light, dark, or empty for the system's
    pseudonym     TEXT NOT NULL UNIQUE,          -- stable, the only name in a release
    specialist    BOOLEAN NOT NULL DEFAULT FALSE,-- may review specialist genres
    created_at    TIMESTAMPTZ NOT NULL,
    disabled_at   TIMESTAMPTZ
);

CREATE TABLE person_role (
    person_id TEXT NOT NULL REFERENCES person (id),
    role      TEXT NOT NULL CHECK (role IN ('lead', 'annotator', 'reviewer', 'evaluator', 'engineer')),
    PRIMARY KEY (person_id, role)
);

CREATE TABLE invite (                            -- one-time links: first set-up, and passwords
    hash       TEXT PRIMARY KEY,                 -- sha256 of the secret
    purpose    TEXT NOT NULL CHECK (purpose IN ('setup', 'password')),
    person_id  TEXT REFERENCES person (id),
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at    TIMESTAMPTZ
);

CREATE TABLE api_token (
    id           TEXT PRIMARY KEY,
    person_id    TEXT NOT NULL REFERENCES person (id),
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL UNIQUE,           -- sha256 of the secret, which is shown once
    scopes       TEXT NOT NULL,                  -- JSON list of permissions
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);

CREATE TABLE session (
    token  TEXT PRIMARY KEY,                     -- sha256 of the cookie
    data   TEXT NOT NULL,                        -- base64
    expiry TIMESTAMPTZ NOT NULL
);
CREATE INDEX session_expiry ON session (expiry);

CREATE TABLE history (
    id         TEXT PRIMARY KEY,
    item_kind  TEXT NOT NULL,
    item_id    TEXT NOT NULL,
    seq        BIGINT NOT NULL,                  -- 1, 2, 3 … within the item
    at         TIMESTAMPTZ NOT NULL,
    actor      TEXT NOT NULL,                    -- person id, or system, rule:x, model:x
    action     TEXT NOT NULL,
    from_state TEXT NOT NULL DEFAULT '',
    to_state   TEXT NOT NULL DEFAULT '',
    reason     TEXT NOT NULL DEFAULT '',
    data       TEXT NOT NULL DEFAULT '',         -- JSON
    prev_hash  TEXT NOT NULL,                    -- hash of the item's entry before, or ''
    hash       TEXT NOT NULL,
    UNIQUE (item_kind, item_id, seq)
);
CREATE INDEX history_at ON history (at);
CREATE INDEX history_actor ON history (actor, at);

CREATE TABLE history_root (                      -- a periodic hash over all items' heads
    seq       BIGINT PRIMARY KEY,
    upto      TIMESTAMPTZ NOT NULL,              -- covers entries at or before this time
    items     BIGINT NOT NULL,
    entries   BIGINT NOT NULL,
    hash      TEXT NOT NULL,
    prev_hash TEXT NOT NULL
);
