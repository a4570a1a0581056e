#!/bin/sh
# check_mbedtls36.sh -- fails if what uses mbedTLS does not compile against the
# headers of 3.6. What is built and tested is the version that is installed.
#
# usage: check_mbedtls36.sh INCLUDE_DIR CC...
#
# INCLUDE_DIR is the include folder of a 3.6 (-Dmbedtls36=DIR); if it is empty
# the usual places are searched. Without headers it says so, and exits 77: not
# checked is not passed.
set -eu
cd "$(dirname "$0")/.."
dir=$1
shift

# is_3 DIR: are these the headers of a 3.x?
is_3() {
	grep -qs '^#define MBEDTLS_VERSION_MAJOR *3$' "$1/mbedtls/build_info.h"
}

if [ -n "$dir" ]; then
	is_3 "$dir" || {
		echo "check_mbedtls36: $dir: no headers of mbedTLS 3.x" >&2
		exit 1
	}
else
	for place in /usr/include /usr/local/include /opt/mbedtls*/include; do
		if is_3 "$place"; then
			dir=$place
			break
		fi
	done
fi
if [ -z "$dir" ]; then
	echo 'not checked: no headers of mbedTLS 3.6; say where by -Dmbedtls36=DIR'
	exit 77
fi

version=$(sed -n 's/^#define MBEDTLS_VERSION_STRING *"\(.*\)"/\1/p' \
	"$dir/mbedtls/build_info.h")
{
	echo '#include <mbedtls/version.h>'
	echo '#if MBEDTLS_VERSION_MAJOR != 3'
	echo '#error other headers were found before those of 3.x'
	echo '#endif'
	echo 'int other_headers;'
} | "$@" -isystem "$dir" -xc -fsyntax-only -

# All of the room tls: some see mbedTLS only through its headers.
files=$(grep -l '^#include <mbedtls/' server/*/*.c handlers/*/*.c; ls server/tls/*.c)
files=$(printf '%s\n' $files | sort -u)
for file in $files; do
	"$@" -isystem "$dir" -I. -std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra \
		-Wpedantic -Wconversion -Wshadow -Wundef -Werror \
		-DKLIKITD_VERSION='"check"' -c -o /dev/null "$file"
done
echo "check_mbedtls36: $version compiles" $files
