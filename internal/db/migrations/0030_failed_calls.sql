-- Failed calls are few among many, and their rows are long: pages that count or list them must
-- not read the others.
-- +goose Up
CREATE INDEX llm_call_failed ON llm_call (item_kind, failure, item_id, id) WHERE failure <> '' AND failure <> 'set_aside';
