#include "server/devtools/dev_keys.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "server/admin/admin.h"
#include "server/base/keyboard.h"
#include "server/base/log.h"

/* One dev in a process. */
static struct {
	struct admin *api;
	const char *page;
	bool asking; /* a replay is under way */
} keys;

/* -- r: the newest event again -- */

/* Ask the API; done gets the answer, now or later. */
static void
ask(const struct admin_request *req, admin_done_fn *done)
{
	struct admin_answer made = { 0 };

	if (admin_call(keys.api, req, done, NULL, &made))
		return;
	done(&made, NULL);
	free(made.body);
	json_decref(made.object);
}

/* The answer; owned by the caller. NULL: it is not one of success. */
static json_t *
parse(const struct admin_answer *answer)
{
	json_error_t error;

	return (answer->status != 200 || answer->body == NULL
		    ? NULL
		    : json_loadb(answer->body, answer->body_len, 0, &error));
}

/* admin_done_fn: the jobs were made anew, or some were not. */
static void
replayed_cb(const struct admin_answer *answer, void *arg)
{
	json_t *o = parse(answer), *job;
	const char *error = o == NULL ? "it is refused" : NULL;
	size_t i;

	(void)arg;
	keys.asking = false;
	json_array_foreach(json_object_get(o, "jobs"), i, job)
	{
		if (error == NULL)
			error =
			    json_string_value(json_object_get(job, "error"));
	}
	if (error != NULL)
		log_warn("r: not everything is replayed: %s", log_text(error));
	json_decref(o);
}

static void
replay(const json_t *event)
{
	json_t *ids = json_array(), *body, *job;
	struct admin_request req = { .method = "POST",
		.path = "/api/v1/jobs/replay" };
	char *text;
	size_t i;

	json_array_foreach(json_object_get(event, "jobs"), i, job)(void)
	    json_array_append(ids, json_object_get(job, "id"));
	body = json_pack("{s:o}", "ids", ids);
	text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	json_decref(body);
	if (text == NULL) {
		log_error("r: out of memory");
		return;
	}
	req.body = text;
	req.body_len = strlen(text);
	keys.asking = true;
	ask(&req, replayed_cb);
	free(text);
}

/* admin_done_fn: the newest event, if there is one. */
static void
newest_cb(const struct admin_answer *answer, void *arg)
{
	json_t *o = parse(answer);
	const json_t *event = json_array_get(json_object_get(o, "events"), 0);

	(void)arg;
	keys.asking = false;
	if (o == NULL)
		log_warn("r: the newest event cannot be had");
	else if (event == NULL)
		log_info("r: no event has come yet");
	else if (json_array_size(json_object_get(event, "jobs")) == 0)
		log_info("r: the newest event has no jobs to replay");
	else {
		log_info("r: replays the newest event, %s",
		    log_text(
			json_string_value(json_object_get(event, "event_id"))));
		replay(event);
	}
	json_decref(o);
}

static void
replay_newest(void)
{
	const struct admin_request req = { .method = "GET",
		.path = "/api/v1/events",
		.query = "limit=1" };

	if (keys.api == NULL || keys.asking)
		return;
	keys.asking = true;
	ask(&req, newest_cb);
}

/* -- o: the page -- */

static void
open_page(void)
{
	static char program[] = "xdg-open";
	char *argv[] = { program, (char *)keys.page, NULL };
	posix_spawn_file_actions_t quiet;
	pid_t pid;
	int rc = -1;

	if (keys.page[0] == '\0') {
		log_info("o: there is no page: admin.listen is empty");
		return;
	}
	if (posix_spawn_file_actions_init(&quiet) != 0)
		return;
	if (posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, "/dev/null",
		0, 0) == 0 &&
	    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null",
		1, 0) == 0 &&
	    posix_spawn_file_actions_adddup2(&quiet, STDOUT_FILENO,
		STDERR_FILENO) == 0)
		rc = posix_spawnp(&pid, program, &quiet, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&quiet);
	if (rc != 0) /* its end is seen by signals.c */
		log_info("o: there is no %s here: open %s", program, keys.page);
}

/* keyboard_fn */
static void
key_cb(char key, void *arg)
{
	(void)arg;
	switch (key) {
	case 'r':
		replay_newest();
		break;
	case 'o':
		open_page();
		break;
	case 'q':
		(void)raise(SIGINT);
		break;
	default:
		break;
	}
}

int
dev_keys_open(struct event_base *base, struct admin *api, const char *page)
{
	keys.api = api;
	keys.page = page;
	return (log_is_console() ? keyboard_open(base, key_cb, NULL) : -1);
}

void
dev_keys_close(void)
{
	keyboard_close();
	keys.api = NULL;
}
