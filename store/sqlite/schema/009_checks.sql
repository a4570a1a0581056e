-- For IN with three values or more SQLite makes a table in memory, each time
-- that it is asked; and this is asked with each write of a job.
PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = replace(sql,
	'state IN (''ready'', ''running'', ''waiting'', ''done'', ''dead'')',
	'state = ''ready'' OR state = ''running'' OR state = ''waiting'' ' ||
	'OR state = ''done'' OR state = ''dead''')
WHERE type = 'table' AND name = 'jobs';
PRAGMA writable_schema = RESET;
