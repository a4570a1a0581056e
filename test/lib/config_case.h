/*
 * config_case.h -- what the tests of the configuration share: a private
 * directory, a source to load from, and what config_load() reported.
 *
 * Owns: the directory and all in it. Fails by cmocka's assertions.
 */
#ifndef TEST_LIB_CONFIG_CASE_H
#define TEST_LIB_CONFIG_CASE_H

#include "server/config/config.h"

#define CONFIG_CASE_TEXT_MAX 8192

struct config_case {
	char dir[64];
	char file[80];
	char reported[CONFIG_CASE_TEXT_MAX]; /* errors, or else warnings */
	struct config_source src;
	const char *env[16]; /* the first one is a secret */
	const char *flags[8];
};

#define CONFIG_CASE_SECRET "KLIKIT_WEBHOOK_SECRET=s3cret"

/* cmocka: make and remove one of these, as the state. */
int config_case_setup(void **state);
int config_case_teardown(void **state);

void config_case_write(struct config_case *c, const char *name,
    const char *text);

/* Load with this text as the file; NULL: with the file named before. */
struct config *config_case_load(struct config_case *c, const char *ini);

/* The same; fails if there is an error or a warning. */
struct config *config_case_load_good(struct config_case *c, const char *ini);

/*
 * The file has exactly these errors; "%" stands for its name, "^" for all types
 * of handlers.
 */
void config_case_errors(struct config_case *c, const char *ini,
    const char *lines);

/* The file loads with exactly these warnings; the caller frees it. */
struct config *config_case_warnings(struct config_case *c, const char *ini,
    const char *lines);

#endif /* TEST_LIB_CONFIG_CASE_H */
