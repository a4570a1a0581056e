/*
 * crash_image.h -- what a database must hold after a power loss: all that was
 * acknowledged, and nothing by halves.
 *
 * The events are those of test_powerloss.c: event "eN" has a body of 3000
 * bytes, two orders and one job.
 */
#ifndef TEST_LIB_CRASH_IMAGE_H
#define TEST_LIB_CRASH_IMAGE_H

/* The last promise that was made of an event; 0: none. */
enum image_promise {
	IMAGE_EVENT = 1, /* it is stored */
	IMAGE_DONE,      /* its job is done */
	IMAGE_REPLAYED,  /* and is to be done again */
	IMAGE_STARTED    /* its job has begun */
};

/* What all images showed so far; all zero at first. */
struct image_report {
	unsigned images;
	unsigned findings;
	unsigned lost;     /* promised, and not in an image */
	char finding[512]; /* the first */
};

/*
 * Open the file at path as after a restart, and add to r what is wrong with
 * it. acked has a promise for each of nevents events; when: for findings.
 */
void crash_image_check(const char *path, const char *when, const char *acked,
    int nevents, struct image_report *r);

#endif /* TEST_LIB_CRASH_IMAGE_H */
