-- Training: mixes that runs read, runs of engines on them with their loss curves, and the models they made.
-- What a page shows of a run stands here, so that it survives the run's directory.
-- +goose Up
CREATE TABLE mix (
    id         TEXT PRIMARY KEY,
    hash       TEXT NOT NULL UNIQUE,          -- of its manifest: what it is
    name       TEXT NOT NULL,
    path       TEXT NOT NULL,                 -- its directory, where it was added
    manifest   TEXT NOT NULL,                 -- as it was made: counts, sources, hashes, what was left out
    plan       TEXT NOT NULL DEFAULT '',      -- as it was read
    created_at TIMESTAMPTZ NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE training_run (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    mix_id        TEXT NOT NULL REFERENCES mix (id),
    configuration TEXT NOT NULL,              -- one of the mix's
    engine        TEXT NOT NULL,
    probe         TEXT NOT NULL,              -- versions and devices that were found
    job           TEXT NOT NULL,              -- checkpoint, directory, settings, topology
    warnings      TEXT NOT NULL DEFAULT '[]',
    host          TEXT NOT NULL,              -- the machine that it runs on
    dir           TEXT NOT NULL,
    state         TEXT NOT NULL,              -- planned, running, stopping, finished, failed, stopped
    reason        TEXT NOT NULL DEFAULT '',   -- why it failed
    advice        TEXT NOT NULL DEFAULT '',   -- what to change
    queued        BOOLEAN NOT NULL DEFAULT FALSE, -- planned, to be started in its turn
    attempt       BIGINT NOT NULL DEFAULT 0,  -- starts and resumes
    pid           BIGINT NOT NULL DEFAULT 0,  -- of the attempt's process group
    pid_born      TEXT NOT NULL DEFAULT '',   -- when that process began: another with its number is another
    spent_ms      BIGINT NOT NULL DEFAULT 0,  -- that the ended attempts took
    gpu_hour      TEXT NOT NULL DEFAULT '',   -- what a GPU costs an hour, such as 12 CNY; empty where nobody said
    outcome       TEXT NOT NULL DEFAULT '{}', -- steps, checkpoint, loss, runtime, by the engine's own files
    log_tail      TEXT NOT NULL DEFAULT '',   -- the end of what the engine printed
    created_at    TIMESTAMPTZ NOT NULL,
    created_by    TEXT NOT NULL,
    started_at    TIMESTAMPTZ,                -- the attempt
    stop_at       TIMESTAMPTZ,                -- somebody asked for its end
    ended_at      TIMESTAMPTZ,
    updated_at    TIMESTAMPTZ NOT NULL,
    UNIQUE (host, dir)
);
CREATE INDEX training_run_mix ON training_run (mix_id, created_at);

CREATE TABLE training_point (                 -- the loss curve, from the engine's own log
    run_id        TEXT NOT NULL REFERENCES training_run (id),
    step          BIGINT NOT NULL,
    steps         BIGINT NOT NULL DEFAULT 0,
    epoch         DOUBLE PRECISION NOT NULL DEFAULT 0,
    loss          DOUBLE PRECISION NOT NULL DEFAULT 0,
    learning_rate DOUBLE PRECISION NOT NULL DEFAULT 0,
    grad_norm     DOUBLE PRECISION NOT NULL DEFAULT 0,
    elapsed_ms    BIGINT NOT NULL DEFAULT 0,
    remaining_ms  BIGINT NOT NULL DEFAULT 0,
    memory_mib    BIGINT NOT NULL DEFAULT 0,
    tokens        BIGINT NOT NULL DEFAULT 0,
    by_kind       TEXT NOT NULL DEFAULT 'null', -- loss of creative and of general rows, where the engine tells them apart
    not_finite    BOOLEAN NOT NULL DEFAULT FALSE,
    at            TIMESTAMPTZ,
    PRIMARY KEY (run_id, step)
);

CREATE TABLE trained_model (                  -- answers refer to it by its name
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    run_id     TEXT NOT NULL REFERENCES training_run (id),
    path       TEXT NOT NULL,                 -- of the checkpoint, on the run's host
    hash       TEXT NOT NULL,                 -- of the manifest of its weights
    bytes      BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL,
    created_by TEXT NOT NULL,
    server     TEXT NOT NULL DEFAULT '',      -- vllm, sglang: what serves it on host, empty for nothing
    url        TEXT NOT NULL DEFAULT '',
    host       TEXT NOT NULL DEFAULT '',
    pid        BIGINT NOT NULL DEFAULT 0,
    pid_born   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX trained_model_run ON trained_model (run_id);
