-- The engine behind the calls: what is about to be sent, who is sending, how an endpoint is doing,
-- and what the ledger adds up.
-- +goose Up
ALTER TABLE llm_call ADD COLUMN person_id TEXT NOT NULL DEFAULT '';        -- who asked for it; '' for a run
ALTER TABLE llm_call ADD COLUMN flavour TEXT NOT NULL DEFAULT '';          -- of the server: vllm, ollama …; '' when not probed
ALTER TABLE llm_call ADD COLUMN cached_tokens BIGINT NOT NULL DEFAULT 0;   -- of prompt_tokens, those the server had at hand
ALTER TABLE llm_call ADD COLUMN reasoning_tokens BIGINT NOT NULL DEFAULT 0;-- of completion_tokens, those of the thought
ALTER TABLE llm_call ADD COLUMN tokens_estimated BOOLEAN NOT NULL DEFAULT FALSE; -- the server did not say: counted by us
ALTER TABLE llm_call ADD COLUMN finish_reason TEXT NOT NULL DEFAULT '';
CREATE INDEX llm_call_ledger ON llm_call (created_at, model, item_kind, prompt);

CREATE TABLE llm_intent (                        -- written before a call is sent, gone once its answer is stored
    key        TEXT PRIMARY KEY,                 -- of the question: nobody else asks it meanwhile
    process    TEXT NOT NULL,                    -- llm_process.id
    prompt     TEXT NOT NULL,
    item_kind  TEXT NOT NULL,
    item_id    TEXT NOT NULL,
    model      TEXT NOT NULL,
    endpoint   TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX llm_intent_process ON llm_intent (process);

CREATE TABLE llm_process (                       -- a running program that calls models
    id         TEXT PRIMARY KEY,
    host       TEXT NOT NULL,
    pid        BIGINT NOT NULL,
    endpoint   TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    seen_at    TIMESTAMPTZ NOT NULL,             -- its heartbeat: silent ones are dead, and their intents lost
    in_flight  BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE llm_endpoint (                      -- what all processes know of a server
    endpoint     TEXT PRIMARY KEY,
    ceiling      BIGINT NOT NULL DEFAULT 0,      -- calls in flight that it has borne, all processes together
    paused_until TIMESTAMPTZ,                    -- it asked everybody to wait
    pause_reason TEXT NOT NULL DEFAULT '',
    updated_at   TIMESTAMPTZ NOT NULL
);
