#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/base/json.h"
#include "server/cli/doctor.h"
#include "server/cli/doctor_probe.h"
#include "server/cli/verbs.h"

#define CHECK_WIDTH 15

/* What has come of it so far. */
struct report {
	bool json;
	bool live;  /* stderr is a terminal */
	bool shown; /* a line of progress stands there */
	bool lost;  /* out of memory */
	unsigned warnings;
	unsigned failures;
};

static const char *const words
    [] = { [DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "FAIL" };
static const char *const levels[] = { [DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warning",
	[DOCTOR_FAIL] = "failure" };

static void
print_json(struct report *r, const struct doctor_finding *f)
{
	json_t *o = json_object();
	char *text = NULL;

	if (json_set_text(o, "level", levels[f->level]) == 0 &&
	    json_set_text(o, "check", f->check) == 0 &&
	    json_set_text(o, "text", f->text) == 0 &&
	    json_set_text(o, "advice", f->advice) == 0)
		text = json_text(o);
	if (text != NULL)
		printf("%s\n", text);
	else
		r->lost = true;
	free(text);
	json_decref(o);
}

/* doctor_options: which check takes so long. */
static void
progress_cb(const char *check, unsigned seconds, void *arg)
{
	struct report *r = arg;

	if (!r->live)
		return;
	fprintf(stderr, "\r\033[Kchecking %s ...", check);
	if (seconds > 0)
		fprintf(stderr, " %u s", seconds);
	r->shown = true;
}

/* Nothing is under way any more, or a finding takes the line's place. */
static void
progress_end(struct report *r)
{
	if (r->shown)
		fprintf(stderr, "\r\033[K");
	r->shown = false;
}

/* doctor_found_fn */
static void
found_cb(const struct doctor_finding *f, void *arg)
{
	struct report *r = arg;

	progress_end(r);
	r->warnings += f->level == DOCTOR_WARN;
	r->failures += f->level == DOCTOR_FAIL;
	if (r->json)
		print_json(r, f);
	else {
		printf("%-6s%-*s%s\n", words[f->level], CHECK_WIDTH, f->check,
		    f->text);
		if (f->advice != NULL)
			printf("%*s-> %s\n", 6 + CHECK_WIDTH, "", f->advice);
	}
	verb_flush();
}

static enum verb_exit
doctor_verb_run(const struct verb_args *args)
{
	const struct config_source source =
	    verb_config_source(args, CONFIG_SERVER, verb_dev_secret(args));
	const struct doctor_options opt = { .source = &source,
		.network = !verb_has(args, "no-network"),
		.progress = progress_cb };
	struct report r = { .json = verb_has(args, "json"),
		.live = isatty(STDERR_FILENO) };
	const char *url = verb_flag(args, "probe", 0);

	doctor_run(&opt, found_cb, &r);
	if (url != NULL)
		doctor_probe(args, url, found_cb, &r);
	progress_end(&r);
	if (r.lost)
		fprintf(stderr, "klikitd doctor: out of memory\n");
	if (!r.json)
		printf("\n%u %s, %u %s\n", r.failures,
		    r.failures == 1 ? "failure" : "failures", r.warnings,
		    r.warnings == 1 ? "warning" : "warnings");
	return (r.failures == 0 && !r.lost ? VERB_DONE : VERB_FAILED);
}

static const struct verb_flag flags[] = {
	{ "no-network", NULL, "call no handler's far side", false },
	{ "probe", "URL", "post a signed test there: does it arrive here?",
	    false },
	{ "json", NULL, "one JSON object for each finding", false },
	{ "dev", NULL, "with the defaults of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Looks at the configuration, the secrets' shape, certificates, the store\n"
    "and its disk, the clock, the ports, open files, and at the handlers: "
    "programs\n"
    "must be there, far sides are connected to (and greeted by TLS), but sent\n"
    "nothing. Says what needs a person, as the server that runs knows it. "
    "Run it\n"
    "as klikitd's user; it changes nothing, and a server may run beside it. "
    "Exits 1\n"
    "if anything fails, 0 if there are only warnings.\n\n"
    "--probe has the server that runs post a signed test to the URL that "
    "klikit\n"
    "posts to, and wait for it: the one check that finds a dead tunnel. The "
    "test is\n"
    "stored nowhere and reaches no handler. [probe] does it by a timer.\n";

const struct verb verb_doctor = {
	.name = "doctor",
	.words = "",
	.text = "Look at everything klikitd needs, and say what to do",
	.more = more,
	.flags = flags,
	.config = true,
	.run = doctor_verb_run,
};
