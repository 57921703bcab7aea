-- The list of model calls is read newest first, by what was asked and by model, and its choices
-- are looked up by stepping from one to the next: none of it may read a million calls.
-- +goose Up
CREATE INDEX llm_call_stage ON llm_call (item_kind, prompt, created_at, id);
CREATE INDEX llm_call_model ON llm_call (model, created_at, id);
