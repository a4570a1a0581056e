-- What was counted, in each minute of a day and in each hour of 30 days:
-- store/counts.h. step is the length in ms, `at' its begin.
CREATE TABLE counts (
	step INTEGER NOT NULL,
	at INTEGER NOT NULL,
	kind TEXT NOT NULL,    -- intake, handler, branch
	name TEXT NOT NULL,
	numbers TEXT NOT NULL, -- with blanks between
	peak INTEGER NOT NULL,
	PRIMARY KEY (step, at, kind, name)
) STRICT, WITHOUT ROWID;
