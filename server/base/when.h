/*
 * when.h -- points in time and durations as people write and read them.
 *
 * Touches: the zone of the machine (TZ, /etc/localtime). Pure but for that.
 */
#ifndef SERVER_WHEN_H
#define SERVER_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A point in time: RFC 3339; the same without a zone, down to a date alone, as
 * 2026-11-28T14:00 or 2026-11-28, which is in the zone of the machine, or in
 * UTC; or a duration, as 2h, which is that long before now. Returns 0, or -1.
 */
int when_parse(const char *text, int64_t now_ms, bool utc, int64_t *ret_ms);

enum when_form {
	WHEN_SECONDS, /* 2026-11-28 14:03:11 */
	WHEN_WHOLE    /* 2026-11-28 14:03:11.250 CET */
};

/* Write it, in the zone of the machine or in UTC. Returns ret_text. */
#define WHEN_MAX 64
char *when_format(int64_t at_ms, bool utc, enum when_form form,
    char ret_text[WHEN_MAX]);

/* What that zone is called at that time, as CET. Returns ret_zone. */
#define WHEN_ZONE_MAX 16
char *when_zone(int64_t at_ms, bool utc, char ret_zone[WHEN_ZONE_MAX]);

/*
 * A duration in words, its two largest units: "one minute", "2 hours 30
 * minutes". Returns ret_text.
 */
#define WHEN_WORDS_MAX 64
char *when_words(int64_t duration_ms, char ret_text[WHEN_WORDS_MAX]);

#endif /* SERVER_WHEN_H */
