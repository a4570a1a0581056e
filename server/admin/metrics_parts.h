/*
 * metrics_parts.h -- the families by subject: for metrics_print.c alone.
 *
 * Owns:    nothing. Each function prints to f what it asks of its sources.
 */
#ifndef SERVER_METRICS_PARTS_H
#define SERVER_METRICS_PARTS_H

#include <stdio.h>

struct metrics_figures;
struct metrics_sources;

void metrics_print_jobs(FILE *f, const struct metrics_sources *from,
    const struct metrics_figures *figures);
void metrics_print_store(FILE *f, const struct metrics_sources *from,
    const struct metrics_figures *figures);
void metrics_print_process(FILE *f, const struct metrics_sources *from);
void metrics_print_listeners(FILE *f, const struct metrics_sources *from);
void metrics_print_pulls(FILE *f, const struct metrics_sources *from);
void metrics_print_upkeep(FILE *f, const struct metrics_sources *from);
void metrics_print_upstreams(FILE *f, const struct metrics_sources *from);
void metrics_print_reconcile(FILE *f, const struct metrics_sources *from);

#endif /* SERVER_METRICS_PARTS_H */
