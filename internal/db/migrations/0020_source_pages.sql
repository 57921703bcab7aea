-- What the pages of sources ask for: sources by the rule that spoke up, an import's report and
-- the records of an upload that could not be read.
-- +goose Up
CREATE INDEX source_finding_rule ON source_finding (rule, level, source_id);
CREATE INDEX source_language_state ON source (language, state, id);
CREATE INDEX source_url ON source (url) WHERE url <> '';
ALTER TABLE import ADD COLUMN report TEXT NOT NULL DEFAULT '{}';
ALTER TABLE import ADD COLUMN refused_records TEXT NOT NULL DEFAULT '';
