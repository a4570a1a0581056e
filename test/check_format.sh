#!/bin/sh
# check_format.sh -- fails on C that clang-format would write differently.
set -eu
cd "$(dirname "$0")/.."
find server handlers store test -name '*.[ch]' -not -path '*/corpus/*' \
	-exec clang-format --dry-run --Werror {} +
echo 'check_format: as clang-format prints it'
