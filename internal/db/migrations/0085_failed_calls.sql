-- +goose Up
-- The index of failed calls holds the prompt too, so that counting failures by stage reads nothing else:
-- without it SQLite takes the index of stages, and reads every call.
DROP INDEX llm_call_failed;
CREATE INDEX llm_call_failed ON llm_call (item_kind, failure, item_id, id, prompt) WHERE failure <> '' AND failure <> 'set_aside';
