-- +goose Up

-- The words of the history, each as often as it is there: a search asks which begin as what a person typed.
CREATE VIRTUAL TABLE history_terms USING fts5vocab('history_index', 'instance');
