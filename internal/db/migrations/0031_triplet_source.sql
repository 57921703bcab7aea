-- +goose Up
-- The triplets of a source, given up and removed ones too.
CREATE INDEX triplet_of_source ON triplet (source_id);
