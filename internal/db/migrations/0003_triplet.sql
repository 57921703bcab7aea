-- Prompt, reasoning, article: the work of annotators, its scores, its reviews.
-- +goose Up
CREATE TABLE triplet (
    id           TEXT PRIMARY KEY,
    source_id    TEXT NOT NULL REFERENCES source (id),
    annotator_id TEXT NOT NULL REFERENCES person (id),
    genre        TEXT NOT NULL,
    language     TEXT NOT NULL,
    article      TEXT NOT NULL,                  -- the source's text when it was claimed
    state        TEXT NOT NULL,                  -- draft, submitted, returned, in_review, disputed, accepted, removal, removed, abandoned
    reason       TEXT NOT NULL DEFAULT '',
    step         BIGINT NOT NULL DEFAULT 1,      -- 1 prompt, 2 reasoning, 3 coherence: where the annotator is
    revision     BIGINT NOT NULL DEFAULT 0,      -- of the content below
    content      TEXT NOT NULL DEFAULT '{}',     -- JSON: attributes, prompt, facets, reasoning, checks
    prompt_chars    BIGINT NOT NULL DEFAULT 0,   -- code points, for lists and statistics
    reasoning_chars BIGINT NOT NULL DEFAULT 0,
    article_chars   BIGINT NOT NULL DEFAULT 0,
    tier         TEXT NOT NULL,                  -- standard (2 reviews), specialist (4)
    round        BIGINT NOT NULL DEFAULT 0,      -- of review: 1 is the first submission that passed the gate
    returns      BIGINT NOT NULL DEFAULT 0,      -- how often it went back by revise
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    submitted_at TIMESTAMPTZ,
    decided_at   TIMESTAMPTZ
);
CREATE INDEX triplet_state ON triplet (state, id);
CREATE INDEX triplet_annotator ON triplet (annotator_id, state, id);
CREATE INDEX triplet_genre ON triplet (genre, state);
CREATE UNIQUE INDEX triplet_source ON triplet (source_id) WHERE state <> 'abandoned' AND state <> 'removed';

CREATE TABLE triplet_revision (                  -- every acknowledged save, for ever
    triplet_id TEXT NOT NULL REFERENCES triplet (id),
    revision   BIGINT NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    by_person  TEXT NOT NULL,
    content    TEXT NOT NULL,                    -- JSON
    note       TEXT NOT NULL DEFAULT '',         -- autosave, restore of 12, submit …
    PRIMARY KEY (triplet_id, revision)
);

CREATE TABLE sheet (                             -- a score sheet on one revision
    id                   TEXT PRIMARY KEY,
    triplet_id           TEXT NOT NULL REFERENCES triplet (id),
    revision             BIGINT NOT NULL,
    judge_kind           TEXT NOT NULL,          -- model, person
    judge                TEXT NOT NULL,
    scripted             BOOLEAN NOT NULL DEFAULT FALSE,
    article_quality      BIGINT NOT NULL,        -- all six 1-10 (paper section 2.2)
    article_creativity   BIGINT NOT NULL,
    prompt_quality       BIGINT NOT NULL,
    prompt_creativity    BIGINT NOT NULL,
    reasoning_quality    BIGINT NOT NULL,
    reasoning_creativity BIGINT NOT NULL,
    passed               BOOLEAN NOT NULL,
    gate                 TEXT NOT NULL,          -- JSON: thresholds and which rule bit
    reasons              TEXT NOT NULL DEFAULT '{}', -- JSON: part → words
    call_ids             TEXT NOT NULL DEFAULT '[]', -- JSON: llm_call ids
    created_at           TIMESTAMPTZ NOT NULL
);
CREATE INDEX sheet_triplet ON sheet (triplet_id, revision, created_at);

CREATE TABLE review (                            -- one reviewer's assignment and verdict in one round
    id           TEXT PRIMARY KEY,
    triplet_id   TEXT NOT NULL REFERENCES triplet (id),
    round        BIGINT NOT NULL,
    revision     BIGINT NOT NULL,                -- the revision that is reviewed
    reviewer_id  TEXT NOT NULL REFERENCES person (id),
    kind         TEXT NOT NULL DEFAULT 'review', -- review, adjudication
    state        TEXT NOT NULL,                  -- open, done, withdrawn
    verdict      TEXT NOT NULL DEFAULT '',       -- accept, revise, remove
    criteria     TEXT NOT NULL DEFAULT '{}',     -- JSON: criterion → 1-5
    comment      TEXT NOT NULL DEFAULT '',
    reason_code  TEXT NOT NULL DEFAULT '',       -- for remove
    assigned_at  TIMESTAMPTZ NOT NULL,
    done_at      TIMESTAMPTZ,
    UNIQUE (triplet_id, round, reviewer_id)
);
CREATE INDEX review_reviewer ON review (reviewer_id, state, assigned_at);
CREATE INDEX review_triplet ON review (triplet_id, round);

CREATE TABLE removal (                           -- removing needs a reason code and a second person
    id           TEXT PRIMARY KEY,
    triplet_id   TEXT NOT NULL REFERENCES triplet (id),
    reason_code  TEXT NOT NULL,                  -- factual-error, guideline, rights, duplicate
    note         TEXT NOT NULL DEFAULT '',
    proposed_by  TEXT NOT NULL REFERENCES person (id),
    proposed_at  TIMESTAMPTZ NOT NULL,
    from_state   TEXT NOT NULL,                  -- where the triplet returns when it is declined
    decided_by   TEXT REFERENCES person (id),
    decided_at   TIMESTAMPTZ,
    decision     TEXT NOT NULL DEFAULT ''        -- confirmed, declined
);
CREATE INDEX removal_triplet ON removal (triplet_id);
