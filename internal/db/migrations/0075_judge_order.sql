-- Studies that somebody wants the configured model to judge: workers ask it.
-- +goose Up
CREATE TABLE judge_order (
    study_id   TEXT PRIMARY KEY REFERENCES study (id),
    state      TEXT NOT NULL,             -- wanted, running, done, stopped, failed
    reason     TEXT NOT NULL DEFAULT '',  -- why it failed, or what it waits for
    created_at TIMESTAMPTZ NOT NULL,
    created_by TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
