-- Each class of rejections has its own share of the ring (enum
-- store_reject_class): strangers push out none that were signed. Of one signed
-- body one is kept, found by its signature; of strangers' most are only counted.
ALTER TABLE rejections ADD COLUMN class INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rejections ADD COLUMN digest BLOB;
ALTER TABLE rejections ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rejections ADD COLUMN last_at INTEGER;
ALTER TABLE rejections ADD COLUMN not_kept INTEGER NOT NULL DEFAULT 0;
UPDATE rejections SET class = 2
WHERE cause = 'invalid_json' OR cause = 'too_many_orders'
OR cause = 'id_conflict';
CREATE INDEX rejections_class ON rejections (class);
CREATE INDEX rejections_digest ON rejections (digest)
WHERE digest IS NOT NULL;
