#!/bin/sh
# Print a C source that holds each SQL file given as a text of the same name:
#	embed.sh [-l] PREFIX FILE...
# With -l also two lists of them, which end with NULL: PREFIX_names (such as
# "001_init"), and PREFIX_texts.
set -eu
lists=
if [ "$1" = -l ]; then
	lists=yes
	shift
fi
prefix=$1
shift
names=
texts=
for file in "$@"; do
	base=$(basename "$file" .sql)
	name=${prefix}_$base
	names="$names\"$base\", "
	texts="$texts$name, "
	printf 'extern const char %s[];\nconst char %s[] = {\n' "$name" "$name"
	od -An -v -tu1 "$file" | sed 's/  *\([0-9][0-9]*\)/\1,/g'
	printf '0 };\n'
done
if [ -n "$lists" ]; then
	printf 'extern const char *const %s_names[], *const %s_texts[];\n' \
		"$prefix" "$prefix"
	printf 'const char *const %s_names[] = { %s0 };\n' "$prefix" "$names"
	printf 'const char *const %s_texts[] = { %s0 };\n' "$prefix" "$texts"
fi
