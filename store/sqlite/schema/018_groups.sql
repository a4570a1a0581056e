-- All that is asked of rejections to put them into groups, without a look at
-- their rows, whose bodies are long.
CREATE INDEX rejections_groups ON rejections (cause, code, at, last_at, repeats,
	not_kept);
