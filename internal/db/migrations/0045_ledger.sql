-- The ledger adds up calls without reading their texts, which are long and stand before the
-- counts in the row: everything it asks for is in its index.
-- +goose Up
DROP INDEX llm_call_ledger;
CREATE INDEX llm_call_ledger ON llm_call (created_at, id, model, prompt, item_kind, item_id, person_id, failure, scripted,
    tokens_estimated, http_status, prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens, duration_ms);

CREATE TABLE llm_batch (                         -- a question in a batch file, until its answer is read in
    key         TEXT PRIMARY KEY,                -- of the question: the line's custom_id
    prompt      TEXT NOT NULL,
    prompt_hash TEXT NOT NULL,
    item_kind   TEXT NOT NULL,
    item_id     TEXT NOT NULL,
    model       TEXT NOT NULL,
    endpoint    TEXT NOT NULL,                   -- base URL without secrets
    level       TEXT NOT NULL,                   -- json_schema, json_object, prompt
    request     TEXT NOT NULL,                   -- JSON to be sent
    exported_at TIMESTAMPTZ NOT NULL
);
