/*
 * pubsub_names.h -- names of projects and topics, and the paths of the API.
 *
 * Pure. The rules are those of "Creating and managing projects" (Resource
 * Manager) and of "Guidelines to name a topic" (Pub/Sub) at cloud.google.com.
 */
#ifndef HANDLERS_PUBSUB_NAMES_H
#define HANDLERS_PUBSUB_NAMES_H

#include <stddef.h>

#include "handlers/handler.h"

#define PUBSUB_PROJECT_MAX 128 /* with the domain of an old one */
#define PUBSUB_TOPIC_MAX 255

/* Room for a path with both names, percent-encoded. */
#define PUBSUB_PATH_MAX (3 * (PUBSUB_PROJECT_MAX + PUBSUB_TOPIC_MAX) + 64)

/* Of a KEY_NAME: a project's id, its number, or none (empty). */
key_check_fn pubsub_check_project;

/* Of a KEY_NAME: the name of a topic, without what stands before it. */
key_check_fn pubsub_check_topic;

/* "/v1/projects/P/topics/T" and what is done there: ":publish", "". */
void pubsub_path(const char *project, const char *topic, const char *what,
    char ret_path[PUBSUB_PATH_MAX]);

#endif /* HANDLERS_PUBSUB_NAMES_H */
