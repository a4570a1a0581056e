#!/bin/sh
# Print a C source that holds each file given, with the type it is served as
# and an ETag made of its bytes. index.html is what "/" shows.
set -eu
printf '#include "server/admin/page.h"\n\n'
i=0
for file in "$@"; do
	printf 'static const unsigned char file_%d[] = {\n' "$i"
	od -An -v -tu1 "$file" | sed 's/  *\([0-9][0-9]*\)/\1,/g'
	printf '};\n'
	i=$((i + 1))
done
printf '\nconst struct page_file page_files[] = {\n'
i=0
for file in "$@"; do
	name=$(basename "$file")
	case $name in
	*.html) type='text/html; charset=utf-8' ;;
	*.js) type='text/javascript; charset=utf-8' ;;
	*.css) type='text/css; charset=utf-8' ;;
	*.svg) type='image/svg+xml' ;;
	*)
		echo "embed.sh: $name: of what type is it?" >&2
		exit 1
		;;
	esac
	[ "$name" = index.html ] && name=
	tag=$(sha256sum <"$file" | cut -c1-32)
	printf '\t{ "/%s", "%s", "\\"%s\\"", file_%d, sizeof(file_%d) },\n' \
		"$name" "$type" "$tag" "$i" "$i"
	i=$((i + 1))
done
printf '};\n'
printf 'const size_t page_nfiles = %d;\n' "$i"
