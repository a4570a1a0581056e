#include "test/lib/shout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/registry.h"

enum tone { TONE_LOW, TONE_MIDDLE, TONE_HIGH };

struct settings {
	char *file;
	int64_t volume;
	enum tone tone;
	struct key_list words;
	struct key_secret password;
	int64_t port;
};

struct shout {
	struct handler_instance base; /* first: what dispatch holds */
	char *file;
	char *word;
	int64_t volume;
};

static void
shout_close(struct handler_instance *h)
{
	struct shout *s = (struct shout *)h;

	if (s == NULL)
		return;
	free(s->file);
	free(s->word);
	free(s);
}

static struct handler_instance *
shout_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	const struct settings *set = opt->settings;
	struct shout *s = calloc(1, sizeof(*s));

	(void)env;
	if (s != NULL) {
		s->base.type = &handler_shout;
		s->file = strdup(set->file);
		s->word = strdup(set->words.items[0]);
		s->volume = set->volume;
	}
	if (s != NULL && s->file != NULL && s->word != NULL)
		return (&s->base);
	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	shout_close(s == NULL ? NULL : &s->base);
	return (NULL);
}

static enum handler_verdict
shout_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	const struct shout *s = (const struct shout *)h;
	FILE *out = fopen(s->file, "a");

	if (out == NULL) {
		(void)snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "cannot be written");
		return (HANDLER_RETRY);
	}
	(void)fprintf(out, "%s at %" PRId64 ": %s\n", s->word, s->volume,
	    job->ev->event_id);
	(void)fclose(out);
	return (HANDLER_DONE);
}

/* -- What the configuration may say -- */

static int
check_words(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const struct key_list *words = value;

	(void)dir;
	if (words->n > 0)
		return (0);
	(void)snprintf(reason, KEY_REASON_MAX, "says nothing");
	return (-1);
}

static void
shout_check(void *settings, const struct handler_check *c)
{
	const struct settings *set = settings;

	if (set->tone == TONE_HIGH && set->volume > 8)
		c->wrong(c->arg, "volume", "is too loud with tone = high");
}

static void
shout_probe(const void *settings, struct handler_probe *ret_probe)
{
	const struct settings *set = settings;

	if (set->port == 0)
		return;
	ret_probe->kind = HANDLER_PROBE_CONNECT;
	(void)snprintf(ret_probe->host, sizeof(ret_probe->host), "127.0.0.1");
	ret_probe->port = (uint16_t)set->port;
}

static const struct key shout_keys[] = {
	{ "handler.file", KEY_PATH, offsetof(struct settings, file),
	    .flags = KEY_REQUIRED, .value = "FILE", .example = "/run/shouts",
	    .shown = "into", .text = "Where it is shouted to." },
	{ "handler.volume", KEY_INT, offsetof(struct settings, volume),
	    .def = "5", .min = 1, .max = 11, .value = "NUMBER",
	    .text = "How loud." },
	{ "handler.tone", KEY_CHOICE, offsetof(struct settings, tone),
	    .def = "middle", .value = "low|middle|high", .text = "How high." },
	{ "handler.words", KEY_WORDS, offsetof(struct settings, words),
	    .def = "hey", .check = check_words, .value = "WORD, ...",
	    .text = "What is shouted; the first one." },
	{ "handler.password_file", KEY_SECRET,
	    offsetof(struct settings, password), .def = "", .value = "FILE",
	    .example = "/etc/klikitd/password",
	    .exposed = "who reads it can shout as well",
	    .text = "File with a password." },
	{ "handler.port", KEY_INT, offsetof(struct settings, port), .def = "0",
	    .max = 65535, .value = "PORT",
	    .text = "Who listens there hears it; 0: nobody." },
	{ 0 },
};

const struct handler handler_shout = {
	.type = "shout",
	.text = "shouts",
	.example = "boy",
	.keys = shout_keys,
	.settings_size = sizeof(struct settings),
	.check = shout_check,
	.probe = shout_probe,
	.outlet = true,
	.timeout = "3s",
	.concurrency = "1",
	.open = shout_open,
	.run = shout_run,
	.close = shout_close,
};

const struct handler *const shout_types[] = {
	&handler_orders,
	&handler_forward,
	&handler_exec,
	&handler_shout,
	NULL,
};
