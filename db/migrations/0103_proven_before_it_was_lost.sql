-- +goose Up

-- What an anchor proves of how a lost release ended, of it alone: after an earlier restore one record may have stood for
-- several. Those that were found before this have no proof.
ALTER TABLE lost_releases ADD COLUMN ended_at INTEGER;
ALTER TABLE lost_releases ADD COLUMN proof TEXT NOT NULL DEFAULT '' CHECK (proof IN ('', 'answer', 'status'));
ALTER TABLE lost_releases ADD COLUMN proof_status TEXT NOT NULL DEFAULT '' CHECK (proof = 'status' OR proof_status = '');
