/*
 * redis_entry.h -- one message as the command that adds it to a stream.
 *
 * Owns: nothing; pure, but for memory.
 *
 * With a time of dedup it is a call of a script that does in one step: look for
 * the key of this message, add the entry, keep the entry's id under that key. A
 * lost answer then costs nothing: the repeat gets the id of the entry that is
 * there. The key is written last, after the entry: one that stood before it
 * would make a repeat of what was never added look done.
 */
#ifndef HANDLERS_QUEUE_REDIS_ENTRY_H
#define HANDLERS_QUEUE_REDIS_ENTRY_H

#include "handlers/body/message.h"
#include "handlers/queue/redis_codec.h"

/* Where entries go; all borrowed. */
struct redis_stream {
	const char *name;
	int64_t dedup_ms; /* 0: each message is added, whatever is there */
	int64_t maxlen;   /* about so many entries are kept; 0: all */
};

#define REDIS_SHA_LEN 40

/* What SCRIPT LOAD loads. */
extern const char redis_entry_script[];

/* Its lower-case hex SHA-1. Returns 0; -1 when out of memory. */
int redis_entry_sha(char ret_hex[REDIS_SHA_LEN + 1]);

/*
 * Can its dedup keys be in the slot of the stream? In a cluster a script's keys
 * have to be in one, which a part in braces chooses; so a name with braces has
 * to have such a part.
 */
bool redis_entry_name_ok(const char *stream);

/*
 * The command, owned by the caller: with dedup EVALSHA of that script, else
 * XADD. Its entry has a field body, and one for each attribute. Returns 0; -1
 * when out of memory.
 */
int redis_entry_make(const struct redis_stream *stream, const char *sha,
    const struct message *m, void **ret_bytes, size_t *ret_len);

/* The dedup key of a message of that idempotency key; -1: out of memory. */
int redis_entry_key(const struct redis_stream *stream, const char *key,
    char **ret_key);

#define REDIS_ADDED_MAX 128

enum redis_added {
	REDIS_ADDED,        /* by this command */
	REDIS_ADDED_BEFORE, /* a repeat: by an earlier one */
	REDIS_ADDED_NOT     /* the answer makes no sense */
};

/*
 * What an answer that is no error says, and for an attempt to show, the id of
 * the entry: "1526919030474-55", "1526919030474-55, added before".
 */
enum redis_added redis_entry_added(const struct redis_stream *stream,
    const struct redis_answer *answer, char ret_text[REDIS_ADDED_MAX]);

#endif /* HANDLERS_QUEUE_REDIS_ENTRY_H */
