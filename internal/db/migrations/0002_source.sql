-- Collected texts, what is known of their dates, what the rules saw, what judges said.
-- +goose Up
CREATE TABLE taxonomy (
    hash     TEXT PRIMARY KEY,
    yaml     TEXT NOT NULL,
    added_at TIMESTAMPTZ NOT NULL,
    added_by TEXT NOT NULL
);

CREATE TABLE source (
    id           TEXT PRIMARY KEY,
    content_hash TEXT NOT NULL,                  -- over the folded text: copies with other spacing are equal
    url          TEXT NOT NULL DEFAULT '',
    platform     TEXT NOT NULL DEFAULT '',
    title        TEXT NOT NULL DEFAULT '',
    author       TEXT NOT NULL DEFAULT '',
    text         TEXT NOT NULL,
    chars        BIGINT NOT NULL,                -- code points of text
    language     TEXT NOT NULL DEFAULT '',
    genre        TEXT NOT NULL DEFAULT '',       -- genre id of the taxonomy, or '' until someone says
    published_at TIMESTAMPTZ,                    -- the date gate's best claim
    date_verdict TEXT NOT NULL,                  -- passed, refused, ask
    likes        BIGINT NOT NULL DEFAULT 0,
    shares       BIGINT NOT NULL DEFAULT 0,
    comments     BIGINT NOT NULL DEFAULT 0,
    licence      TEXT NOT NULL DEFAULT '',
    extra        TEXT NOT NULL DEFAULT '{}',     -- JSON: unknown fields, passed through
    file         TEXT NOT NULL DEFAULT '',
    line         BIGINT NOT NULL DEFAULT 0,
    import_id    TEXT NOT NULL DEFAULT '',
    duplicate_of TEXT NOT NULL DEFAULT '',       -- id of the source with the same text
    state        TEXT NOT NULL,                  -- held, waiting, pool, claimed, refused, removed
    reason       TEXT NOT NULL DEFAULT '',       -- why it is in this state, a message key or words
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    UNIQUE (content_hash, url)
);
CREATE INDEX source_state ON source (state, id);
CREATE INDEX source_genre ON source (genre, state, id);

CREATE TABLE source_evidence (
    id        TEXT PRIMARY KEY,
    source_id TEXT NOT NULL REFERENCES source (id),
    kind      TEXT NOT NULL,                     -- json-ld, meta, visible, url, front-matter, field, htmldate …
    raw       TEXT NOT NULL,
    at        TIMESTAMPTZ,                       -- NULL: could not be read
    place     TEXT NOT NULL DEFAULT '',          -- where it was found
    zone      BOOLEAN NOT NULL DEFAULT FALSE,    -- whether raw named a time zone
    precise   TEXT NOT NULL DEFAULT 'day',       -- second, day, month, year
    note      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX source_evidence_source ON source_evidence (source_id);

CREATE TABLE source_finding (
    id        TEXT PRIMARY KEY,
    source_id TEXT NOT NULL REFERENCES source (id),
    rule      TEXT NOT NULL,
    level     TEXT NOT NULL,                     -- refuse, ask, note
    message   TEXT NOT NULL,                     -- message key
    args      TEXT NOT NULL DEFAULT '{}',        -- JSON: arguments of the message
    excerpt   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX source_finding_source ON source_finding (source_id);

CREATE TABLE import (
    id          TEXT PRIMARY KEY,
    at          TIMESTAMPTZ NOT NULL,
    done_at     TIMESTAMPTZ,
    by_person   TEXT NOT NULL,
    files       TEXT NOT NULL,                   -- JSON list
    read_count  BIGINT NOT NULL DEFAULT 0,
    added       BIGINT NOT NULL DEFAULT 0,
    same        BIGINT NOT NULL DEFAULT 0,
    duplicate   BIGINT NOT NULL DEFAULT 0,
    refused     BIGINT NOT NULL DEFAULT 0,
    error       TEXT NOT NULL DEFAULT ''
);

CREATE TABLE llm_call (                          -- every call, raw, before anything parses it
    id                TEXT PRIMARY KEY,
    key               TEXT NOT NULL,             -- sha256 of model, messages, parameters, schema, sample
    attempt           BIGINT NOT NULL,           -- 1, 2 … for one key
    prompt            TEXT NOT NULL,             -- name of the prompt file
    prompt_hash       TEXT NOT NULL,             -- its version
    item_kind         TEXT NOT NULL DEFAULT '',
    item_id           TEXT NOT NULL DEFAULT '',
    model             TEXT NOT NULL,
    endpoint          TEXT NOT NULL,             -- base URL without secrets
    level             TEXT NOT NULL,             -- json_schema, json_object, prompt
    request           TEXT NOT NULL,
    response          TEXT NOT NULL DEFAULT '',  -- raw body
    http_status       BIGINT NOT NULL DEFAULT 0,
    failure           TEXT NOT NULL DEFAULT '',  -- '' or the kind of failure
    failure_detail    TEXT NOT NULL DEFAULT '',
    prompt_tokens     BIGINT NOT NULL DEFAULT 0,
    completion_tokens BIGINT NOT NULL DEFAULT 0,
    duration_ms       BIGINT NOT NULL DEFAULT 0,
    scripted          BOOLEAN NOT NULL DEFAULT FALSE, -- answered by the scripted fake
    created_at        TIMESTAMPTZ NOT NULL,
    UNIQUE (key, attempt)
);
CREATE INDEX llm_call_item ON llm_call (item_kind, item_id);
CREATE INDEX llm_call_failure ON llm_call (failure, created_at);

CREATE TABLE verdict (                           -- a judge's word on a source
    id         TEXT PRIMARY KEY,
    source_id  TEXT NOT NULL REFERENCES source (id),
    stage      TEXT NOT NULL,                    -- assessment, screening, usability
    judge_kind TEXT NOT NULL,                    -- model, person
    judge      TEXT NOT NULL,                    -- model name or person id
    scripted   BOOLEAN NOT NULL DEFAULT FALSE,
    call_id    TEXT NOT NULL DEFAULT '',         -- llm_call.id
    scores     TEXT NOT NULL,                    -- JSON: dimension → 1-10, or usable/genre
    passed     BOOLEAN NOT NULL,
    reasons    TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX verdict_source ON verdict (source_id, stage, created_at);
