-- Every version of a prompt that a model was asked with, so that an old verdict can be read with the
-- words it answers.
-- +goose Up
CREATE TABLE llm_prompt (
    hash       TEXT PRIMARY KEY,                 -- sha256 of the text in hex: the version
    name       TEXT NOT NULL,
    text       TEXT NOT NULL,
    first_used TIMESTAMPTZ NOT NULL
);
CREATE INDEX llm_prompt_name ON llm_prompt (name, first_used);
