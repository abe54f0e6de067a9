-- +goose Up

-- What is dropped of a staged list, and the latest offer of a delivery, are found without reading all.
CREATE INDEX serial_runs_of_list ON serial_runs (list);
CREATE INDEX delivery_offers_of_delivery ON delivery_offers (delivery_id, id);

-- A delivery itself says how often it was tried, when last and why that failed, and the history has each end. The rows of
-- each try grew without bound, and no page showed them.
DROP TABLE delivery_tries;
