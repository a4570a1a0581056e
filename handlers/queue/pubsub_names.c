#include "handlers/queue/pubsub_names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int
refuse(char reason[KEY_REASON_MAX], const char *text)
{
	(void)snprintf(reason, KEY_REASON_MAX, "%s", text);
	return (-1);
}

/* 6 to 30 small letters, digits and hyphens; the first is a letter. */
static bool
is_project_id(const char *id)
{
	size_t len = strlen(id);

	return (len >= 6 && len <= 30 && strchr(LOWER, id[0]) != NULL &&
		strspn(id, LOWER DIGITS "-") == len && id[len - 1] != '-');
}

int
pubsub_check_project(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const char *project = *(char **)value;
	const char *colon = strchr(project, ':');
	size_t domain = colon == NULL ? 0 : (size_t)(colon - project);

	(void)dir;
	if (strchr(project, '/') != NULL)
		return (refuse(reason,
		    "is the id alone, without \"projects/\" and topic"));
	if (project[0] == '\0' || (strspn(project, DIGITS) == strlen(project) &&
				      strlen(project) < PUBSUB_PROJECT_MAX))
		return (0);
	/* An old one: "example.com:its-id". */
	if (colon != NULL && domain > 0 && domain < PUBSUB_PROJECT_MAX - 32 &&
	    strspn(project, LOWER DIGITS ".-") == domain)
		project = colon + 1;
	if (is_project_id(project))
		return (0);
	return (refuse(reason,
	    "is no id of a project: 6 to 30 small letters, digits and "
	    "hyphens, a letter first, no hyphen last"));
}

int
pubsub_check_topic(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	const char *topic = *(char **)value;
	size_t len = strlen(topic);

	(void)dir;
	if (strchr(topic, '/') != NULL)
		return (refuse(reason,
		    "is the name alone, without \"projects/P/topics/\""));
	if (len < 3 || len > PUBSUB_TOPIC_MAX ||
	    strchr(LETTERS, topic[0]) == NULL ||
	    strspn(topic, LETTERS DIGITS "-_.~+%") != len)
		return (refuse(reason,
		    "is no name of a topic: 3 to 255 letters, digits and "
		    "-_.~+%, a letter first"));
	if (strncasecmp(topic, "goog", 4) == 0)
		return (refuse(reason,
		    "begins with goog, which Google keeps for itself"));
	return (0);
}

/* Write text as one segment of a path; where it ends. */
static char *
put_segment(char *p, const char *text)
{
	for (; *text != '\0'; text++) {
		if (isalnum((unsigned char)*text) ||
		    strchr("-_.~", *text) != NULL)
			*p++ = *text;
		else
			p += sprintf(p, "%%%02X", (unsigned char)*text);
	}
	return (p);
}

void
pubsub_path(const char *project, const char *topic, const char *what,
    char ret_path[PUBSUB_PATH_MAX])
{
	char *p = stpcpy(ret_path, "/v1/projects/");

	p = put_segment(p, project);
	p = put_segment(stpcpy(p, "/topics/"), topic);
	(void)stpcpy(p, what);
}
