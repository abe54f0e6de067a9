-- +goose Up

-- What the last scan of the test code at a station showed of its scanner and its keyboard: whether they have the same
-- layout, and the layout of the tablet as its keys showed it. Empty before the first one, and after a scan that
-- contradicts it. Another tablet begins anew.
ALTER TABLE stations ADD COLUMN keyboard TEXT NOT NULL DEFAULT ''
  CHECK (keyboard = '' OR token_hash IS NOT NULL AND (keyboard GLOB 'agrees-?*' OR keyboard GLOB 'differs-?*'));
