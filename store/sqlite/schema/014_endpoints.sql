-- Through which endpoint it came; NULL: through none, or before they had names.
ALTER TABLE events ADD COLUMN endpoint TEXT;
ALTER TABLE rejections ADD COLUMN endpoint TEXT;
