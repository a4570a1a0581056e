#include "server/admin/metrics_text.h"

#include <inttypes.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/histogram.h"
#include "store/base/utf8.h"

static const char *const types[] = {
	[METRICS_COUNTER] = "counter",
	[METRICS_GAUGE] = "gauge",
	[METRICS_HISTOGRAM] = "histogram",
};

void
metrics_family(FILE *f, const char *name, enum metrics_type type,
    const char *help)
{
	(void)fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    types[type]);
}

/* A value between its quotes. */
static void
print_value(FILE *f, const char *value)
{
	size_t left = strlen(value), len;
	uint32_t code;

	for (; left > 0; value += len, left -= len) {
		if ((len = utf8_next(value, left, &code)) == 0) {
			(void)fputc('?', f);
			len = 1;
		} else if (*value == '\n')
			(void)fputs("\\n", f);
		else if (*value == '\\' || *value == '"')
			(void)fprintf(f, "\\%c", *value);
		else
			(void)fwrite(value, 1, len, f);
	}
}

static void
print_label(FILE *f, char before, const char *name, const char *value)
{
	(void)fprintf(f, "%c%s=\"", before, name);
	print_value(f, value);
	(void)fputc('"', f);
}

/* le: the label of that name, after all others; NULL: none. */
static void
print_name(FILE *f, const char *name, const char *end,
    const char *const *labels, const char *le)
{
	char before = '{';

	(void)fprintf(f, "%s%s", name, end);
	for (; labels != NULL && labels[0] != NULL; labels += 2) {
		print_label(f, before, labels[0], labels[1]);
		before = ',';
	}
	if (le != NULL) {
		print_label(f, before, "le", le);
		before = ',';
	}
	(void)fputs(before == ',' ? "} " : " ", f);
}

void
metrics_count(FILE *f, const char *name, const char *const *labels,
    uint64_t value)
{
	print_name(f, name, "", labels, NULL);
	(void)fprintf(f, "%" PRIu64 "\n", value);
}

void
metrics_real(FILE *f, const char *name, const char *const *labels, double value)
{
	print_name(f, name, "", labels, NULL);
	(void)fprintf(f, "%.15g\n", value);
}

void
metrics_histogram(FILE *f, const char *name, const char *const *labels,
    const struct histogram *h, double scale)
{
	char bound[32];
	uint64_t total = 0;

	for (size_t i = 0; i <= h->nbounds; i++) {
		total += h->counts[i];
		(void)strcpy(bound, "+Inf");
		if (i < h->nbounds)
			(void)snprintf(bound, sizeof(bound), "%.15g",
			    (double)h->bounds[i] / scale);
		print_name(f, name, "_bucket", labels, bound);
		(void)fprintf(f, "%" PRIu64 "\n", total);
	}
	print_name(f, name, "_sum", labels, NULL);
	(void)fprintf(f, "%.15g\n", (double)h->sum / scale);
	print_name(f, name, "_count", labels, NULL);
	(void)fprintf(f, "%" PRIu64 "\n", total);
}

void
metrics_one(FILE *f, const char *name, enum metrics_type type, const char *help,
    uint64_t value)
{
	metrics_family(f, name, type, help);
	metrics_count(f, name, NULL, value);
}

double
metrics_date(struct steady_time now, struct steady_time then)
{
	return ((double)(clock_wall_ms() - steady_since(now, then)) / 1e3);
}
