/*
 * verb_job.h -- private to the verbs about jobs: the flags that choose them,
 * and the list of them.
 */
#ifndef SERVER_VERB_JOB_H
#define SERVER_VERB_JOB_H

#include "server/cli/verb_list.h"

#define VERB_JOB_FLAGS                                                         \
	{ "state", "STATE",                                                    \
		"only pending (ready, running, waiting), done or dead ones",   \
		false },                                                       \
	    { "handler", "NAME", "only of this handler", false },              \
	    { "order", "ID", "only for events with this order", false },       \
	    { "scope", "WORD",                                                 \
		    "only for events of this scope; '' is the usual one",      \
		    false },                                                   \
	    { "type", "TYPE", "only for events of this type", false },         \
	    { "since", "TIME",                                                 \
		    "only for events received at TIME or later, as 2h",        \
		    false },                                                   \
	{                                                                      \
		"until", "TIME", "only for events received before TIME", false \
	}

/* Was one of those flags given? */
bool verb_job_chosen(const struct verb_args *args);

extern const struct verb_list verb_job_list;

#endif /* SERVER_VERB_JOB_H */
