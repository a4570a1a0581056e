#include "server/cli/verb_choice.h"

#include <string.h>

#include "handlers/body/event_kind.h"
#include "server/admin/entity.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/nearest.h"
#include "server/base/when.h"

#define PREFIX "klikit." /* which tables on a terminal leave out */
#define SHORT_MIN 4      /* shorter words are whole ids */
#define CANDIDATES_MAX 5

const char *const verb_job_states[] = { ENTITY_JOB_PENDING, "ready", "running",
	"waiting", "done", "dead", NULL };
const char *const verb_event_states[] = { ENTITY_JOB_PENDING, "done", "dead",
	NULL };

/* In the API's query they are called the same; one without a value is true. */
static const char *const names[] = { "type", "order", "brand", "branch",
	"cause", "state", "status", "handler", "event", "open", "since",
	"until", "scope", "all", NULL };

const char *
verb_choice_name(size_t i)
{
	return (names[i]);
}

bool
verb_choice_given(const struct verb_args *args)
{
	for (size_t i = 0; names[i] != NULL; i++) {
		if (verb_has(args, names[i]))
			return (true);
	}
	return (false);
}

/* -- Reading -- */

static int
read_time(const struct verb_args *args, const char *name,
    char ret_text[FORMAT_TIME_MAX])
{
	const char *text = verb_flag(args, name, 0);
	int64_t ms;

	ret_text[0] = '\0';
	if (text == NULL)
		return (0);
	if (when_parse(text, clock_wall_ms(), verb_has(args, "utc"), &ms) ==
	    -1) {
		(void)verb_usage(args,
		    "--%s: \"%s\" is not a time such as 2h (ago), 2026-11-28, "
		    "2026-11-28T14:00 or 2026-06-25T09:00:00Z",
		    name, log_text(text));
		return (-1);
	}
	(void)format_time(ms, ret_text);
	return (0);
}

static int
check_state(const struct verb_args *args, const char *const *states)
{
	const char *state = verb_flag(args, "state", 0);
	struct nearest n;

	if (state == NULL)
		return (0);
	nearest_init(&n, state);
	for (const char *const *s = states; *s != NULL; s++) {
		if (strcmp(*s, state) == 0)
			return (0);
		nearest_offer(&n, *s);
	}
	(void)verb_usage(args, "--state: \"%s\" is none of %s%s",
	    log_text(state),
	    states == verb_job_states
		? "pending (ready, running, waiting), done and dead"
		: "pending, done and dead",
	    nearest_hint(&n, "", ""));
	return (-1);
}

int
verb_choice_read(const struct verb_args *args, const char *const *states,
    struct verb_choice *ret_choice)
{
	const char *type = verb_flag(args, "type", 0);

	*ret_choice = (struct verb_choice){ .args = args };
	if (type != NULL &&
	    strlen(type) >= sizeof(ret_choice->type) - strlen(PREFIX)) {
		(void)verb_usage(args, "--type: is too long");
		return (-1);
	}
	(void)snprintf(ret_choice->type, sizeof(ret_choice->type), "%s",
	    type == NULL ? "" : type);
	if (check_state(args, states) == -1 ||
	    read_time(args, "since", ret_choice->since) == -1 ||
	    read_time(args, "until", ret_choice->until) == -1)
		return (-1);
	if (ret_choice->since[0] != '\0' && ret_choice->until[0] != '\0' &&
	    strcmp(ret_choice->since, ret_choice->until) >= 0) {
		(void)verb_usage(args, "--until: is not after --since");
		return (-1);
	}
	return (0);
}

/* -- As the API takes them -- */

int
verb_path_add(char path[VERB_PATH_MAX], const char *name, const char *value)
{
	size_t len = strlen(path);
	int n;

	n = snprintf(path + len, VERB_PATH_MAX - len,
	    "%s%s=", strchr(path, '?') == NULL ? "?" : "&", name);
	if (n < 0 || (size_t)n >= VERB_PATH_MAX - len)
		return (-1);
	len += (size_t)n;
	return (admin_query_encode(value, path + len, VERB_PATH_MAX - len));
}

/* Flags that have no value. */
static bool
is_switch(const char *name)
{
	return (strcmp(name, "open") == 0 || strcmp(name, "all") == 0);
}

/* What the API is to get for a flag; NULL: it was not given. */
static const char *
value_of(const struct verb_choice *c, const char *name)
{
	if (!verb_has(c->args, name))
		return (NULL);
	if (strcmp(name, "event") == 0 && c->event[0] != '\0')
		return (c->event);
	if (strcmp(name, "since") == 0)
		return (c->since);
	if (strcmp(name, "until") == 0)
		return (c->until);
	if (strcmp(name, "type") == 0)
		return (c->type);
	if (is_switch(name))
		return ("true");
	return (verb_flag(c->args, name, 0));
}

int
verb_choice_add(const struct verb_choice *choice, char path[VERB_PATH_MAX])
{
	const char *value;
	int bad = 0;

	for (size_t i = 0; names[i] != NULL; i++) {
		if ((value = value_of(choice, names[i])) != NULL)
			bad |= verb_path_add(path, names[i], value);
	}
	return (bad);
}

void
verb_choice_print(const struct verb_choice *choice, FILE *out)
{
	const char *value;

	for (size_t i = 0; names[i] != NULL; i++) {
		if ((value = verb_flag(choice->args, names[i], 0)) == NULL)
			continue;
		fprintf(out, " --%s", names[i]);
		if (!is_switch(names[i]))
			fprintf(out, " %s",
			    value[0] == '\0' ? "''" : log_text(value));
	}
}

/* -- Known names -- */

int
verb_handler_known(struct verb_admin *va, const struct verb_args *args,
    const char *name)
{
	json_t *page = verb_admin_get(va, "/api/v1/handlers"), *row;
	const char *known;
	struct nearest n;
	int rc = -1;
	size_t i;

	if (page == NULL)
		return (-1);
	nearest_init(&n, name);
	json_array_foreach(json_object_get(page, "handlers"), i, row)
	{
		known = verb_admin_text(row, "name");
		nearest_offer(&n, known);
		if (strcmp(known, name) == 0)
			rc = 0;
	}
	if (rc == -1)
		fprintf(stderr,
		    "klikitd %s: there is no handler \"%s\"%s; klikitd "
		    "handlers lists them\n",
		    args->verb->name, log_text(name), nearest_hint(&n, "", ""));
	json_decref(page);
	return (rc);
}

/* -- Short ids -- */

/* The ids that a word begins, each once. */
struct candidates {
	const char *word;
	const char *ids[CANDIDATES_MAX];
	size_t n;
	bool more;  /* than n */
	bool exact; /* the word is one */
};

static void
add_candidate(struct candidates *c, const char *id)
{
	c->exact = c->exact || strcmp(id, c->word) == 0;
	if (strncmp(id, c->word, strlen(c->word)) != 0)
		return;
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->ids[i], id) == 0)
			return;
	}
	if (c->n == CANDIDATES_MAX)
		c->more = true;
	else
		c->ids[c->n++] = id;
}

static void
say_candidates(const struct verb_args *args, const struct candidates *c)
{
	fprintf(stderr,
	    "klikitd %s: several events begin with %s:", args->verb->name,
	    log_text(c->word));
	for (size_t i = 0; i < c->n; i++)
		fprintf(stderr, " %s", log_text(c->ids[i]));
	fprintf(stderr, "%s\n", c->more ? " and others" : "");
}

int
verb_event_id(struct verb_admin *va, const struct verb_args *args,
    const char *word, char ret_id[ADMIN_VALUE_MAX])
{
	struct candidates c = { .word = word };
	char path[VERB_PATH_MAX] = "/api/v1/events?limit=100";
	json_t *page, *row;
	size_t i;

	if (strlen(word) >= ADMIN_VALUE_MAX) {
		fprintf(stderr, "klikitd %s: %s: is too long\n",
		    args->verb->name, log_text(word));
		return (-1);
	}
	memcpy(ret_id, word, strlen(word) + 1);
	if (strlen(word) < SHORT_MIN || verb_path_add(path, "q", word) == -1)
		return (0);
	if ((page = verb_admin_get(va, path)) == NULL)
		return (-1);
	json_array_foreach(json_object_get(page, "events"), i, row)
	    add_candidate(&c, verb_admin_text(row, "event_id"));
	if (!c.exact && c.n == 1)
		(void)snprintf(ret_id, ADMIN_VALUE_MAX, "%s", c.ids[0]);
	if (!c.exact && c.n > 1)
		say_candidates(args, &c);
	json_decref(page);
	return (!c.exact && c.n > 1 ? -1 : 0);
}

/* -- Types -- */

/* Is there an event of that type? Returns 0 or 1; -1, said on stderr. */
static int
has_type(struct verb_admin *va, const char *type)
{
	char path[VERB_PATH_MAX] = "/api/v1/events?limit=1";
	json_t *page;
	size_t n;

	if (verb_path_add(path, "type", type) == -1)
		return (0);
	if ((page = verb_admin_get(va, path)) == NULL)
		return (-1);
	n = json_array_size(json_object_get(page, "events"));
	json_decref(page);
	return (n > 0);
}

static int
unknown_type(const struct verb_args *args, const char *type)
{
	static const char *const known[] = { "klikit.order.created.v2",
		"klikit.order.status.updated", "klikit.order.cart.updated" };
	size_t skip =
	    strncmp(type, PREFIX, strlen(PREFIX)) == 0 ? 0 : strlen(PREFIX);
	struct nearest n;

	nearest_init(&n, type);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		nearest_offer(&n, known[i] + skip);
	fprintf(stderr, "klikitd %s: no event of type \"%s\" ever came%s\n",
	    args->verb->name, log_text(type), nearest_hint(&n, "", ""));
	return (-1);
}

/* A type as a table shows it is made whole. Returns 0; -1, said. */
static int
whole_type(struct verb_admin *va, struct verb_choice *c)
{
	char longer[ADMIN_VALUE_MAX] = PREFIX;
	int rc;

	(void)strcat(longer, c->type); /* there is room: see above */
	if (event_kind(c->type) != EVENT_UNKNOWN)
		return (0);
	if (event_kind(longer) == EVENT_UNKNOWN) {
		if ((rc = has_type(va, c->type)) != 0)
			return (rc == 1 ? 0 : -1);
		if ((rc = has_type(va, longer)) != 1)
			return (rc == 0 ? unknown_type(c->args, c->type) : -1);
	}
	memcpy(c->type, longer, sizeof(longer));
	return (0);
}

int
verb_choice_known(struct verb_admin *va, struct verb_choice *choice)
{
	const char *handler = verb_flag(choice->args, "handler", 0);

	const char *event = verb_flag(choice->args, "event", 0);

	if (handler != NULL &&
	    verb_handler_known(va, choice->args, handler) == -1)
		return (-1);
	if (event != NULL &&
	    verb_event_id(va, choice->args, event, choice->event) == -1)
		return (-1);
	return (choice->type[0] == '\0' ? 0 : whole_type(va, choice));
}
