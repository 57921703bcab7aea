-- Frozen dataset versions.
-- +goose Up
CREATE TABLE release (
    id           TEXT PRIMARY KEY,
    version      TEXT NOT NULL UNIQUE,           -- semantic version without v
    notes        TEXT NOT NULL DEFAULT '',
    cut_by       TEXT NOT NULL,
    cut_at       TIMESTAMPTZ NOT NULL,
    items        BIGINT NOT NULL,
    content_hash TEXT NOT NULL,                  -- over the canonical records in order
    manifest     TEXT NOT NULL                   -- JSON
);

CREATE TABLE release_item (
    release_id TEXT NOT NULL REFERENCES release (id),
    position   BIGINT NOT NULL,                  -- 0, 1, 2 …
    triplet_id TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    record     TEXT NOT NULL,                    -- canonical JSON, frozen
    hash       TEXT NOT NULL,                    -- sha256 of record
    PRIMARY KEY (release_id, position)
);
CREATE INDEX release_item_triplet ON release_item (triplet_id);
