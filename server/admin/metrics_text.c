#include "server/admin/metrics_text.h"

#include <inttypes.h>
#include <string.h>

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
print_name(FILE *f, const char *name, const char *const *labels)
{
	const char *before = "{";

	(void)fputs(name, f);
	for (; labels != NULL && labels[0] != NULL; labels += 2) {
		(void)fprintf(f, "%s%s=\"", before, labels[0]);
		print_value(f, labels[1]);
		(void)fputc('"', f);
		before = ",";
	}
	(void)fputs(before[0] == ',' ? "} " : " ", f);
}

void
metrics_count(FILE *f, const char *name, const char *const *labels,
    uint64_t value)
{
	print_name(f, name, labels);
	(void)fprintf(f, "%" PRIu64 "\n", value);
}

void
metrics_real(FILE *f, const char *name, const char *const *labels, double value)
{
	print_name(f, name, labels);
	(void)fprintf(f, "%.15g\n", value);
}

void
metrics_histogram(FILE *f, const char *name, const struct histogram *h,
    double scale)
{
	uint64_t total = 0;

	for (size_t i = 0; i < h->nbounds; i++) {
		total += h->counts[i];
		(void)fprintf(f, "%s_bucket{le=\"%.15g\"} %" PRIu64 "\n", name,
		    (double)h->bounds[i] / scale, total);
	}
	total += h->counts[h->nbounds];
	(void)fprintf(f, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, total);
	(void)fprintf(f, "%s_sum %.15g\n", name, (double)h->sum / scale);
	(void)fprintf(f, "%s_count %" PRIu64 "\n", name, total);
}

void
metrics_one(FILE *f, const char *name, enum metrics_type type, const char *help,
    uint64_t value)
{
	metrics_family(f, name, type, help);
	metrics_count(f, name, NULL, value);
}

double
metrics_seconds_since(struct steady_time now, struct steady_time then)
{
	return ((double)steady_since(now, then) / 1e3);
}
