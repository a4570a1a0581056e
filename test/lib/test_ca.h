/*
 * test_ca.h -- certificates for unit tests, made where they are needed.
 *
 * All keys are P-256. Files are PEM, in a directory of the test.
 */
#ifndef TEST_LIB_TEST_CA_H
#define TEST_LIB_TEST_CA_H

#include <stdbool.h>

#define TEST_CA_PATH 256

struct test_ca; /* opaque; a root that issues */

/* What a certificate is to be like. */
struct test_leaf {
	const char *dns;              /* in subjectAltName; NULL: none */
	const unsigned char *address; /* 4 bytes, the same; NULL: none */
	bool expired;
};

/* A temporary directory; removed, with what is in it, by test_dir_remove(). */
void test_dir_make(char ret_dir[TEST_CA_PATH]);
void test_dir_remove(const char *dir);

/* A root named name, its certificate in DIR/NAME.pem. */
struct test_ca *test_ca_new(const char *dir, const char *name);
void test_ca_free(struct test_ca *ca);

/* A certificate and its key in DIR/NAME.pem and DIR/NAME.key. */
void test_ca_issue(struct test_ca *ca, const char *name,
    const struct test_leaf *leaf);

/* DIR/NAME.EXT, in a buffer that is used again after four calls. */
const char *test_path(const char *dir, const char *name, const char *ext);

#endif /* TEST_LIB_TEST_CA_H */
