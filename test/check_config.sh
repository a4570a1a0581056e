#!/bin/sh
# Fails if config.example.ini is not what the table of keys prints.
#
# usage: check_config.sh KLIKITD SOURCE_DIR
set -eu
"$1" check-config --print-example | diff -u "$2/config.example.ini" - || {
	echo "config.example.ini: run klikitd check-config --print-example" >&2
	exit 1
}
