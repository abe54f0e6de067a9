-- +goose Up

-- After an import many lists wait, and what waits for one of them is found without the others.
CREATE INDEX lists_to_compare_by_list ON lists_to_compare (list);
