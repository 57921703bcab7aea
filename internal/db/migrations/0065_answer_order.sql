-- Answers that somebody wants of a model: workers ask for them.
-- +goose Up
CREATE TABLE answer_order (
    id         TEXT PRIMARY KEY,
    set_id     TEXT NOT NULL REFERENCES query_set (id),
    model      TEXT NOT NULL,             -- as the server knows it
    name       TEXT NOT NULL,             -- that the answers go under
    sampling   TEXT NOT NULL,             -- temperature, top_p, max_tokens, seed, samples, system
    languages  TEXT NOT NULL DEFAULT '[]',
    genres     TEXT NOT NULL DEFAULT '[]',
    again      BOOLEAN NOT NULL DEFAULT FALSE, -- ask again where the model failed for good
    state      TEXT NOT NULL,             -- wanted, running, done, stopped, failed
    reason     TEXT NOT NULL DEFAULT '',  -- why it failed, or what it waits for
    created_at TIMESTAMPTZ NOT NULL,
    created_by TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX answer_order_set ON answer_order (set_id, created_at);
