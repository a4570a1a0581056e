/*
 * doctor_probe.h -- private to verb_doctor.c: a delivery through the public
 * URL, sent and awaited by the server that runs.
 */
#ifndef SERVER_DOCTOR_PROBE_H
#define SERVER_DOCTOR_PROBE_H

#include "server/cli/doctor.h"
#include "server/cli/verb.h"

/* One finding, of the check "probe": what became of it, and what to do. */
void doctor_probe(const struct verb_args *args, const char *url,
    doctor_found_fn *found, void *arg);

#endif /* SERVER_DOCTOR_PROBE_H */
