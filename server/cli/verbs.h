/*
 * verbs.h -- the verbs of this room.
 */
#ifndef SERVER_CLI_VERBS_H
#define SERVER_CLI_VERBS_H

#include "server/cli/verb.h"

extern const struct verb verb_acknowledge;
extern const struct verb verb_alarms;
extern const struct verb verb_backup;
extern const struct verb verb_check_config;
extern const struct verb verb_discard;
extern const struct verb verb_doctor;
extern const struct verb verb_events;
extern const struct verb verb_handlers;
extern const struct verb verb_help;
extern const struct verb verb_jobs;
extern const struct verb verb_manual;
extern const struct verb verb_migrate_store;
extern const struct verb verb_order;
extern const struct verb verb_orders;
extern const struct verb verb_pause;
extern const struct verb verb_purge;
extern const struct verb verb_rejections;
extern const struct verb verb_replay;
extern const struct verb verb_restore;
extern const struct verb verb_resume;
extern const struct verb verb_retry;
extern const struct verb verb_sign;
extern const struct verb verb_verify;
extern const struct verb verb_version;

#endif /* SERVER_CLI_VERBS_H */
