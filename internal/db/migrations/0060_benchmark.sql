-- Benchmark: sets of queries, what a panel says of them, and what models answer.
-- +goose Up
CREATE TABLE query_set (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    version    BIGINT NOT NULL,          -- 1, 2 … of one name
    state      TEXT NOT NULL,            -- draft, frozen, retired
    hash       TEXT NOT NULL DEFAULT '', -- sha256 over its queries, once it is frozen
    note       TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    created_by TEXT NOT NULL,
    frozen_at  TIMESTAMPTZ,
    UNIQUE (name, version)
);

CREATE TABLE query (
    id            TEXT PRIMARY KEY,
    set_id        TEXT NOT NULL REFERENCES query_set (id),
    code          TEXT NOT NULL,              -- its id in files
    position      BIGINT NOT NULL,
    genre         TEXT NOT NULL,
    language      TEXT NOT NULL,
    prompt        TEXT NOT NULL,
    length_min    BIGINT NOT NULL DEFAULT 0,
    length_max    BIGINT NOT NULL DEFAULT 0,
    length_unit   TEXT NOT NULL DEFAULT '',
    style         TEXT NOT NULL DEFAULT '',
    theme         TEXT NOT NULL DEFAULT '',
    context       TEXT NOT NULL DEFAULT '',   -- for evaluators
    difficulty    TEXT NOT NULL DEFAULT '',   -- easy, medium, hard
    extra         TEXT NOT NULL DEFAULT '{}', -- unknown fields of its record
    withdrawn_at  TIMESTAMPTZ,
    withdrawn_why TEXT NOT NULL DEFAULT '',
    updated_at    TIMESTAMPTZ NOT NULL,
    UNIQUE (set_id, code)
);
CREATE INDEX query_order ON query (set_id, position, id);

CREATE TABLE query_mark (                -- the panel: one person's marks of one query
    id         TEXT PRIMARY KEY,
    query_id   TEXT NOT NULL REFERENCES query (id),
    person_id  TEXT NOT NULL REFERENCES person (id),
    clarity    BIGINT NOT NULL,          -- 1 to 5
    precise    BIGINT NOT NULL,          -- 1 to 5
    difficulty BIGINT NOT NULL,          -- 1 to 5
    note       TEXT NOT NULL DEFAULT '',
    at         TIMESTAMPTZ NOT NULL,
    UNIQUE (query_id, person_id)
);

CREATE TABLE answer (                         -- a generation
    id                TEXT PRIMARY KEY,
    query_id          TEXT NOT NULL REFERENCES query (id),
    model             TEXT NOT NULL,
    sample            BIGINT NOT NULL,            -- 0, 1 … of one model and query
    reasoning         TEXT NOT NULL DEFAULT '',
    output            TEXT NOT NULL DEFAULT '',
    finish            TEXT NOT NULL DEFAULT '',   -- as the server gave it: stop, length …
    thought           TEXT NOT NULL DEFAULT '',   -- how the reasoning was marked, where not by a whole block
    failure           TEXT NOT NULL DEFAULT '',   -- why there is no output
    failure_detail    TEXT NOT NULL DEFAULT '',
    chars             BIGINT NOT NULL DEFAULT 0,  -- of the output
    output_language   TEXT NOT NULL DEFAULT '',   -- as its letters say
    prompt_tokens     BIGINT NOT NULL DEFAULT 0,
    completion_tokens BIGINT NOT NULL DEFAULT 0,
    settings          TEXT NOT NULL DEFAULT '{}', -- the request's fields as they were sent
    origin            TEXT NOT NULL,              -- generated, imported
    call_id           TEXT NOT NULL DEFAULT '',
    scripted          BOOLEAN NOT NULL DEFAULT FALSE,
    created_at        TIMESTAMPTZ NOT NULL,
    created_by        TEXT NOT NULL,
    UNIQUE (query_id, model, sample)
);
