#!/bin/sh
# A stand-in for systemd in a Debian without one: starts and stops klikitd by
# the lines of its unit, and writes down what it was asked for.
#
# It does what of a unit klikitd depends on: user, environment, state directory,
# credentials. What a unit forbids is not tried here.
set -eu

unit=/lib/systemd/system/klikitd.service
wants=/etc/systemd/system/multi-user.target.wants
credentials=/run/credentials/klikitd.service
log=/var/log/klikitd.log
echo "$*" >>/var/log/systemctl.log

# The values of a key of the unit, one a line.
get() {
	cat "$unit" /etc/systemd/system/klikitd.service.d/*.conf 2>/dev/null |
		sed -n "s/^$1=//p"
}

is_running() {
	[ -s /run/klikitd.pid ] && kill -0 "$(cat /run/klikitd.pid)" 2>/dev/null
}

# Wait until a command is true; 1 after a minute.
wait_until() {
	for _ in $(seq 600); do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}

# Has it come so far that it listens, or has it ended?
is_settled() {
	grep -q '^admin:' "$log.start" || ! is_running
}

load_credentials() {
	rm -rf "$credentials"
	install -d -m 0500 -o "$(get User)" "$credentials"
	for credential in $(get LoadCredential); do
		[ -f "${credential#*:}" ] || {
			echo "credentials: no ${credential#*:}" >>"$log"
			return 1
		}
		install -m 0400 -o "$(get User)" "${credential#*:}" \
			"$credentials/${credential%%:*}"
	done
}

start() {
	! is_running || return 0
	load_credentials || return 1
	: >"$log.start"
	# shellcheck disable=SC2046 # words, as systemd takes them
	setsid setpriv --reuid "$(get User)" --regid "$(get User)" \
		--init-groups env -i PATH=/usr/bin:/bin \
		STATE_DIRECTORY="/var/lib/$(get StateDirectory)" \
		CREDENTIALS_DIRECTORY="$credentials" \
		$(get Environment | sed "s|%d|$credentials|g") \
		$(get ExecStart) </dev/null >>"$log.start" 2>&1 &
	echo $! >/run/klikitd.pid
	wait_until is_settled
	cat "$log.start" >>"$log"
	is_running
}

stop() {
	is_running || return 0
	kill "$(cat /run/klikitd.pid)"
	gone() { ! is_running; }
	wait_until gone
	rm /run/klikitd.pid
}

for word in "$@"; do
	case $word in
	start | stop)
		"$word"
		;;
	restart)
		stop
		start
		;;
	reload)
		kill -HUP "$(cat /run/klikitd.pid)"
		;;
	is-active)
		is_running
		;;
	preset) # what Debian does with a new service is to enable it
		mkdir -p "$wants"
		ln -sf "$unit" "$wants"
		;;
	is-enabled)
		[ -L "$wants/klikitd.service" ]
		echo enabled
		;;
	esac
done
