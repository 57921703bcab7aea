-- Studies: people (and, kept apart, models) compare or rate what models wrote, blind.
-- +goose Up
CREATE TABLE study (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,               -- pair, rank, rate
    state      TEXT NOT NULL,               -- draft, open, closed, abandoned
    origin     TEXT NOT NULL,               -- here, or imported: its records were made elsewhere
    plan       TEXT NOT NULL,               -- JSON: what was decided before anybody voted
    plan_hash  TEXT NOT NULL DEFAULT '',    -- sha256 over the plan as it was frozen
    frozen     TEXT NOT NULL DEFAULT '',    -- JSON: the plan as it was frozen, with what it rests on
    drawn      TEXT NOT NULL DEFAULT '{}',  -- JSON: what was left out at opening, by rule
    created_at TIMESTAMPTZ NOT NULL,
    created_by TEXT NOT NULL,
    opened_at  TIMESTAMPTZ,
    closed_at  TIMESTAMPTZ
);

CREATE TABLE study_item (                 -- what is compared or rated
    id        TEXT PRIMARY KEY,
    study_id  TEXT NOT NULL REFERENCES study (id),
    position  BIGINT NOT NULL,
    kind      TEXT NOT NULL,                -- real, attention
    query_id  TEXT NOT NULL REFERENCES query (id),
    answers   TEXT NOT NULL,                -- JSON: IDs of answers; pair 2, rank 3 to 8, rate 1
    models    TEXT NOT NULL,                -- JSON: whose answers they are, in the same order
    foil      BIGINT NOT NULL DEFAULT -1    -- attention: which answer belongs to another query
);
CREATE INDEX study_item_study ON study_item (study_id, position);

CREATE TABLE study_task (                 -- an item in front of one person
    id        TEXT PRIMARY KEY,
    study_id  TEXT NOT NULL REFERENCES study (id),
    item_id   TEXT NOT NULL REFERENCES study_item (id),
    person_id TEXT NOT NULL REFERENCES person (id),
    position  BIGINT NOT NULL,              -- in the person's order
    shown     TEXT NOT NULL,                -- JSON: the item's answers in the order they are shown
    repeat_of TEXT NOT NULL DEFAULT '',     -- the person's task of which this is the same item, turned
    state     TEXT NOT NULL,                -- open, done
    seen_at   TIMESTAMPTZ,                  -- when it was first in front of the person
    done_at   TIMESTAMPTZ
);
CREATE INDEX study_task_person ON study_task (person_id, study_id, state, position);
CREATE INDEX study_task_item ON study_task (item_id);

CREATE TABLE study_verdict (              -- what a person said; a verdict taken back stays
    id            TEXT PRIMARY KEY,
    study_id      TEXT NOT NULL REFERENCES study (id),
    task_id       TEXT NOT NULL REFERENCES study_task (id),
    winner        TEXT NOT NULL DEFAULT '',   -- pair: 0 or 1 of the item's answers, tie, both_bad
    ranked        TEXT NOT NULL DEFAULT '[]', -- rank, JSON: the item's answers, best first
    marks         TEXT NOT NULL DEFAULT '{}', -- rate, JSON: dimension → 0 to 3
    note          TEXT NOT NULL DEFAULT '',
    seconds       DOUBLE PRECISION NOT NULL,  -- in front of the person until the verdict
    given_at      TIMESTAMPTZ NOT NULL,
    taken_back_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX study_verdict_task ON study_verdict (task_id) WHERE taken_back_at IS NULL;
CREATE INDEX study_verdict_study ON study_verdict (study_id, given_at);

CREATE TABLE study_exclusion (            -- a person whose verdicts do not count, by a lead's decision
    study_id  TEXT NOT NULL REFERENCES study (id),
    person_id TEXT NOT NULL REFERENCES person (id),
    why       TEXT NOT NULL,
    at        TIMESTAMPTZ NOT NULL,
    by_id     TEXT NOT NULL,
    PRIMARY KEY (study_id, person_id)
);

CREATE TABLE study_deviation (            -- what was done otherwise than the frozen plan says
    id       TEXT PRIMARY KEY,
    study_id TEXT NOT NULL REFERENCES study (id),
    at       TIMESTAMPTZ NOT NULL,
    by_id    TEXT NOT NULL,
    what     TEXT NOT NULL,                -- reopen, reassign, exclude, include, close-early …
    why      TEXT NOT NULL,
    data     TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX study_deviation_study ON study_deviation (study_id, at);

CREATE TABLE study_judgement (            -- what a model said; never among people's verdicts
    id        TEXT PRIMARY KEY,
    study_id  TEXT NOT NULL REFERENCES study (id),
    item_id   TEXT NOT NULL REFERENCES study_item (id),
    judge     TEXT NOT NULL,                -- model, prompt version and parameters: all that a result rests on
    model     TEXT NOT NULL,
    prompt    TEXT NOT NULL,                -- name and version
    first     BIGINT NOT NULL,              -- of the item's answers; rate: the only one
    second    BIGINT NOT NULL,              -- rate: -1
    winner    TEXT NOT NULL DEFAULT '',     -- first, second, tie, both_bad
    flipped   BOOLEAN NOT NULL DEFAULT FALSE, -- the two orders disagreed: counted as a tie
    in_order  TEXT NOT NULL DEFAULT '',     -- what it said of first, second
    turned    TEXT NOT NULL DEFAULT '',     -- what it said of second, first, seen as first, second
    marks     TEXT NOT NULL DEFAULT '{}',
    reasons   TEXT NOT NULL DEFAULT '[]',   -- JSON
    calls     TEXT NOT NULL DEFAULT '[]',   -- JSON: IDs of model calls
    failure   TEXT NOT NULL DEFAULT '',     -- why there is no verdict
    scripted  BOOLEAN NOT NULL DEFAULT FALSE,
    at        TIMESTAMPTZ NOT NULL,
    UNIQUE (item_id, judge, first, second)
);
CREATE INDEX study_judgement_study ON study_judgement (study_id, judge);

CREATE TABLE study_record (               -- imported studies: votes, rankings or ratings as the file had them
    id       TEXT PRIMARY KEY,
    study_id TEXT NOT NULL REFERENCES study (id),
    position BIGINT NOT NULL,
    kind     TEXT NOT NULL,                -- vote, ranking, rating
    record   TEXT NOT NULL                 -- JSON
);
CREATE INDEX study_record_study ON study_record (study_id, position);
