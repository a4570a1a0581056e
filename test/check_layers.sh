#!/bin/sh
# check_layers.sh -- fails on an include that points the wrong way.
#
# The table is style.md's in short: server -> handlers -> store -> store/base,
# and each foreign library only where it has its one job.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

# deny FILES PATTERN WHY: no file of FILES may include what matches PATTERN.
deny() {
	found=$(grep -nE "^#[[:space:]]*include[[:space:]]+[<\"]($2)" $1 /dev/null)
	[ -z "$found" ] && return
	printf '%s\n' "$found" | sed "s|\$|   -- $3|"
	bad=1
}

base=$(find store/base -name '*.[ch]')
store=$(find store -name '*.[ch]' -not -path 'store/base/*')
store_core=$(find store -maxdepth 1 -name '*.[ch]')
handlers=$(find handlers -name '*.[ch]')
handlers_pure=$(find handlers -name '*.[ch]' -not -name 'envelope.c')
server=$(find server -name '*.[ch]')
pipeline=$(find server -name 'ingest*.[ch]' -o -name 'dispatch*.[ch]' \
	-o -name 'backoff.[ch]' -o -name 'route.[ch]' -o -name 'journal.[ch]' \
	-o -name 'histogram.[ch]' -o -name 'branches.[ch]')
front=$(find server -name 'http*.[ch]' -o -name 'signature.[ch]' \
	-o -name 'secrets.[ch]' -o -name 'tls*.[ch]')
tls=$(find server -name 'tls*.[ch]')
not_tls=$(find server -name '*.[ch]' -not -name 'tls*.c' \
	-not -name 'tls_private.h')
crypto=$(find server -name '*.[ch]' -not -name 'signature.c' \
	-not -name 'tls*.c' -not -name 'tls_private.h' \
	-not -name 'tls_mbedtls.h' -not -name 'verb_version.c')

deny "$base" 'server/|handlers/|store/[a-z_]+\.h|event2/|jansson|mbedtls/|sqlite3|pthread' \
	'store/base knows libc only'
deny "$store" 'server/|handlers/|event2/|jansson|mbedtls/' \
	'store knows nothing above it'
deny "$store_core" 'sqlite3' 'SQLite stays inside its backend'
deny "$handlers" 'server/|mbedtls/|store/store_ops|store/sqlite/' \
	'handlers know store.h and what the env lends'
deny "$handlers_pure" 'sqlite3' 'only the envelope scans with SQL'
deny "$server" 'store/store_ops|store/sqlite/' 'the backends are private'
deny "$(find server -name '*.[ch]' -not -name 'verb_version.c')" 'sqlite3' \
	'SQL lives in the store'
deny "$pipeline" 'event2/http|event2/bufferevent|event2/listener|mbedtls/|server/http|server/tls' \
	'the pipeline knows no HTTP'
deny "$front" 'handlers/|server/dispatch' 'the front ends at ingest'
deny "$(find server -name 'admin*.[ch]' -o -name 'stream.[ch]' -o -name 'metrics*.[ch]')" \
	'event2/(http|buffer|listener)|mbedtls/|handlers/' \
	'what is shown knows no HTTP'
deny "$(find server -name 'signature.[ch]' -o -name 'secrets.[ch]' -o -name 'http_request.[ch]')" \
	'event2/' 'bytes, not requests'
deny "$tls" 'event2/http|store/[a-z_]+\.h|server/http|server/config' \
	'tls knows bytes and bufferevents'
deny "$not_tls" 'server/tls_(private|mbedtls)' 'of tls the others see tls.h'
deny "$crypto" 'mbedtls/' 'mbedTLS is for signature and tls'

[ "$bad" -eq 0 ] && echo 'check_layers: every include points the right way'
exit "$bad"
