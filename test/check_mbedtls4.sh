#!/bin/sh
# check_mbedtls4.sh -- fails unless a build with mbedTLS 4 is refused when it is
# configured, with the reason. The headers are played.
#
# usage: check_mbedtls4.sh MESON...
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/include/mbedtls"
echo '#define MBEDTLS_VERSION_NUMBER 0x04000000' \
	>"$dir/include/mbedtls/version.h"
if "$@" setup "$dir/build" "-Dc_args=-I$dir/include" -Dtests=disabled \
	>"$dir/log" 2>&1; then
	echo 'check_mbedtls4: mbedTLS 4 was accepted' >&2
	exit 1
fi
grep -q 'ERROR: .*mbedTLS 4 is not supported yet' "$dir/log" || {
	cat "$dir/log" >&2
	echo 'check_mbedtls4: refused without the reason' >&2
	exit 1
}
echo 'check_mbedtls4: refused with the reason'
