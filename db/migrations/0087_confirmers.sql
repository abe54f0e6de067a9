-- +goose Up

-- What people did who could confirm passwords. Who of them acted at a site since a time is asked at each page of an
-- account.
CREATE INDEX history_of_confirmers ON history (tenant_id, user_id, at)
WHERE role LIKE '%administrator%' OR role LIKE '%manager%';
