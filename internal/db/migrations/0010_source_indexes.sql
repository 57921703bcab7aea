-- What the lists and dashboards of sources ask for, so that pages stay fast at 50,000.
-- +goose Up
CREATE INDEX source_platform ON source (platform, id);
CREATE INDEX source_language ON source (language, id);
CREATE INDEX source_published ON source (published_at);
CREATE INDEX source_import ON source (import_id, id);
CREATE INDEX source_state_reason ON source (state, reason);
CREATE INDEX source_title ON source (id, title, author);
CREATE INDEX source_duplicate ON source (duplicate_of) WHERE duplicate_of <> '';
