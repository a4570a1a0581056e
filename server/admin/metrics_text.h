/*
 * metrics_text.h -- the text format of Prometheus, version 0.0.4.
 *
 * Pure, but for metrics_date(), which reads the wall clock: prints to a stream,
 * whose errors are the caller's to look at. Values of labels are escaped as the
 * format has it; a byte that is no UTF-8 is "?".
 */
#ifndef SERVER_METRICS_TEXT_H
#define SERVER_METRICS_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "store/base/times.h"

struct histogram;

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

/* Begin a family; its samples, if there are any, follow. */
void metrics_family(FILE *f, const char *name, enum metrics_type type,
    const char *help);

/* Labels: name, value, name, value, up to NULL; NULL: none. */
void metrics_count(FILE *f, const char *name, const char *const *labels,
    uint64_t value);
void metrics_real(FILE *f, const char *name, const char *const *labels,
    double value);

/* A histogram's samples; each unit of h is 1/scale of the metric's unit. */
void metrics_histogram(FILE *f, const char *name, const char *const *labels,
    const struct histogram *h, double scale);

/* A family of one sample without labels. */
void metrics_one(FILE *f, const char *name, enum metrics_type type,
    const char *help, uint64_t value);

/* The labels of a sample: name and value by turns. */
#define LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/*
 * A time of the steady clock as seconds since the epoch, by the wall clock of
 * this moment: what is right as an age stays so when that clock was set.
 */
double metrics_date(struct steady_time now, struct steady_time then);

#endif /* SERVER_METRICS_TEXT_H */
