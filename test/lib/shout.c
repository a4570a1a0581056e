#include "test/lib/shout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "handlers/registry.h"

enum tone { TONE_LOW, TONE_MIDDLE, TONE_HIGH };

struct settings {
	char *file;
	int64_t volume;
	enum tone tone;
	struct key_list words;
	struct key_secret password;
};

struct shout {
	struct handler_instance base; /* first: what dispatch holds */
	char *file;
	char *word;
	int64_t volume;
	const struct handler_env *env;
	struct handler_inspection inspection;
	struct event *look;
};

static void
shout_close(struct handler_instance *h)
{
	struct shout *s = (struct shout *)h;

	if (s == NULL)
		return;
	if (s->look != NULL)
		event_free(s->look);
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

	if (s != NULL) {
		s->env = env;
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

/* -- What doctor may ask -- */

/* evtimer: it looks around, in the loop that it was lent. */
static void
shout_look_cb(evutil_socket_t fd, short what, void *arg)
{
	const struct shout *s = arg;
	const struct handler_inspection *in = &s->inspection;

	(void)fd;
	(void)what;
	if (strcmp(s->word, "hush") == 0)
		return; /* nobody ever answers */
	if (access(s->file, W_OK) == 0)
		in->found(in->arg, HANDLER_FINE, "somebody listens", NULL);
	else
		in->found(in->arg, HANDLER_WRONG, "nobody listens",
		    "touch the file");
	if (s->volume > 10)
		in->found(in->arg, HANDLER_DOUBTFUL, "it is \x1b very loud",
		    "lower volume");
	in->done(in->arg);
}

static int
shout_inspect(struct handler_instance *h, const struct handler_inspection *in)
{
	static const struct timeval soon = { 0, 1000 };
	struct shout *s = (struct shout *)h;

	s->inspection = *in;
	s->look = evtimer_new(s->env->base, shout_look_cb, s);
	return (s->look == NULL ? -1 : evtimer_add(s->look, &soon));
}

static bool
shout_connected(const struct handler_instance *h)
{
	return (access(((const struct shout *)h)->file, W_OK) == 0);
}

static const struct handler_lasting shout_lasting = {
	.connected = shout_connected,
};

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
shout_target(const void *settings, char ret_text[HANDLER_REASON_MAX])
{
	const struct settings *set = settings;

	(void)snprintf(ret_text, HANDLER_REASON_MAX, "%s at %d", set->file,
	    (int)set->volume);
}

static const struct key shout_keys[] = {
	{ "handler.file", KEY_PATH, offsetof(struct settings, file),
	    .flags = KEY_REQUIRED, .value = "FILE", .example = "/run/shouts",
	    .text = "Where it is shouted to." },
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
	{ 0 },
};

const struct handler handler_shout = {
	.type = "shout",
	.text = "shouts",
	.example = "boy",
	.keys = shout_keys,
	.settings_size = sizeof(struct settings),
	.check = shout_check,
	.target = shout_target,
	.outlet = true,
	.timeout = "3s",
	.concurrency = "1",
	.open = shout_open,
	.run = shout_run,
	.inspect = shout_inspect,
	.lasting = &shout_lasting,
	.close = shout_close,
};

const struct handler *const shout_types[] = {
	&handler_orders,
	&handler_forward,
	&handler_exec,
	&handler_shout,
	NULL,
};
