#!/bin/sh
# Print a C source that holds each SQL file given as a text of the same name.
set -eu
for file in "$@"; do
	name=schema_$(basename "$file" .sql)
	printf 'extern const char %s[];\nconst char %s[] = {\n' "$name" "$name"
	od -An -v -tu1 "$file" | sed 's/  *\([0-9][0-9]*\)/\1,/g'
	printf '0 };\n'
done
