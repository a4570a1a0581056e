#include <sys/time.h>

#include <arpa/inet.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static const char usage[] =
    "usage: load [OPTION...] ADDRESS:PORT\n"
    "\n"
    "Sends requests to a server on this machine, each connection its next one\n"
    "when it has the answer to the last, and prints what came of it as JSON.\n"
    "Exit status: 0 every answer was the expected one; 1 not so; 2 usage.\n"
    "\n"
    "  --body FILE        POST it, signed; @ORDER@ in it stands for an "
    "order's\n"
    "                     number, and each request has its own. Without\n"
    "                     this: GET\n"
    "  --bodies N         only so many bodies, in turn, under new event ids:\n"
    "                     repeats\n"
    "  --first-order N    the first number (1000000000)\n"
    "  --secret-file FILE to sign with\n"
    "  --path PATH        of the requests (/webhooks/klikit)\n"
    "  --type TYPE        of the events (klikit.order.created.v2)\n"
    "  --connections N    that send (64)\n"
    "  --idle-connections N  that do not (0)\n"
    "  --seconds S        that are counted (10); with --requests at most\n"
    "  --warm-up S        before that, not counted (0)\n"
    "  --requests N       stop after so many; fails if time does not suffice\n"
    "  --think-ms MS      between an answer and the next request (0)\n"
    "  --expect CODE      the status that every answer must have (200)\n"
    "  --expect-text TEXT that every answer's body must hold\n"
    "  --reopen           a connection that breaks is opened again; neither\n"
    "                     that nor a 503 is a failure\n"
    "  --ids FILE         gets the event ids that were answered as expected\n"
    "  --seed N           of the event ids (by the clock)\n"
    "  --pid PID          report this process's CPU and memory\n";

enum option_id {
	BODY = 256,
	BODIES,
	FIRST_ORDER,
	SECRET_FILE,
	REQUEST_PATH,
	TYPE,
	CONNECTIONS,
	IDLE_CONNECTIONS,
	SECONDS,
	WARM_UP,
	REQUESTS,
	THINK_MS,
	EXPECT,
	EXPECT_TEXT,
	REOPEN,
	IDS,
	SEED,
	PID,
	HELP
};

static const struct option longs[] = {
	{ "body", required_argument, NULL, BODY },
	{ "bodies", required_argument, NULL, BODIES },
	{ "first-order", required_argument, NULL, FIRST_ORDER },
	{ "secret-file", required_argument, NULL, SECRET_FILE },
	{ "path", required_argument, NULL, REQUEST_PATH },
	{ "type", required_argument, NULL, TYPE },
	{ "connections", required_argument, NULL, CONNECTIONS },
	{ "idle-connections", required_argument, NULL, IDLE_CONNECTIONS },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "warm-up", required_argument, NULL, WARM_UP },
	{ "requests", required_argument, NULL, REQUESTS },
	{ "think-ms", required_argument, NULL, THINK_MS },
	{ "expect", required_argument, NULL, EXPECT },
	{ "expect-text", required_argument, NULL, EXPECT_TEXT },
	{ "reopen", no_argument, NULL, REOPEN },
	{ "ids", required_argument, NULL, IDS },
	{ "seed", required_argument, NULL, SEED },
	{ "pid", required_argument, NULL, PID },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

/* A number from min to max; -1 after a message. */
static int64_t
number(const char *text, int64_t min, int64_t max)
{
	char *end;
	long long value = strtoll(text, &end, 10);

	if (*text != '\0' && *end == '\0' && value >= min && value <= max)
		return (value);
	(void)fprintf(stderr, "load: %s: want a number from %lld to %lld\n",
	    text, (long long)min, (long long)max);
	return (-1);
}

/* Seconds, with a fraction perhaps, in us; -1 after a message. */
static int64_t
seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (*text != '\0' && *end == '\0' && value >= 0 && value <= 3600)
		return ((int64_t)(value * 1e6));
	(void)fprintf(stderr, "load: %s: want seconds, at most 3600\n", text);
	return (-1);
}

static int
read_address(struct options *opt, const char *text)
{
	const char *scheme = "http://";
	const char *colon;
	char host[64];
	int64_t port;

	if (strncmp(text, scheme, strlen(scheme)) == 0)
		text += strlen(scheme);
	if ((colon = strrchr(text, ':')) == NULL ||
	    (size_t)(colon - text) >= sizeof(host)) {
		(void)fprintf(stderr, "load: %s: want ADDRESS:PORT\n", text);
		return (-1);
	}
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if ((port = number(colon + 1, 1, 65535)) == -1)
		return (-1);
	opt->to.sin_family = AF_INET;
	opt->to.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &opt->to.sin_addr) == 1 &&
	    ntohl(opt->to.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET)
		return (0);
	(void)fprintf(stderr,
	    "load: %s: want an address of this machine, 127.0.0.1\n", host);
	return (-1);
}

static int
set_text(struct options *opt, int id)
{
	switch (id) {
	case BODY:
		opt->body_file = optarg;
		break;
	case SECRET_FILE:
		opt->secret_file = optarg;
		break;
	case REQUEST_PATH:
		opt->path = optarg;
		break;
	case TYPE:
		opt->type = optarg;
		break;
	case EXPECT_TEXT:
		opt->expect_text = optarg;
		break;
	case IDS:
		opt->ids_file = optarg;
		break;
	case REOPEN:
		opt->reopen = true;
		break;
	default:
		return (-1);
	}
	return (0);
}

static int
set_number(struct options *opt, int id)
{
	int64_t value = -1;

	switch (id) {
	case BODIES:
		value = number(optarg, 1, 10000000);
		opt->nbodies = (unsigned)value;
		break;
	case FIRST_ORDER:
		value = number(optarg, 1, INT64_C(9000000000));
		opt->first_order = (uint64_t)value;
		break;
	case CONNECTIONS:
		value = number(optarg, 0, 100000);
		opt->nconns = (unsigned)value;
		break;
	case IDLE_CONNECTIONS:
		value = number(optarg, 0, 100000);
		opt->nidle = (unsigned)value;
		break;
	case SECONDS:
		opt->run_us = value = seconds(optarg);
		break;
	case WARM_UP:
		opt->warm_us = value = seconds(optarg);
		break;
	case REQUESTS:
		value = number(optarg, 1, INT64_C(1000000000));
		opt->nrequests = (uint64_t)value;
		break;
	case THINK_MS:
		value = number(optarg, 0, 3600000);
		opt->think_us = value * 1000;
		break;
	case EXPECT:
		value = number(optarg, 100, 599);
		opt->expect_code = (unsigned)value;
		break;
	case SEED:
		value = number(optarg, 0, INT64_MAX);
		opt->seed = (uint64_t)value;
		break;
	case PID:
		value = number(optarg, 1, INT32_MAX);
		opt->pid = (int)value;
		break;
	}
	return (value == -1 ? -1 : 0);
}

int
options_read(struct options *opt, int argc, char **argv)
{
	int id;

	*opt = (struct options){
		.path = "/webhooks/klikit",
		.type = "klikit.order.created.v2",
		.seed = (uint64_t)load_now_us(),
		.nconns = 64,
		.expect_code = 200,
		.run_us = 10 * 1000000,
		.first_order = 1000000000,
	};
	while ((id = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (id == HELP) {
			(void)fputs(usage, stdout);
			return (1);
		}
		if (set_text(opt, id) == -1 && set_number(opt, id) == -1)
			return (-1);
	}
	if (optind != argc - 1) {
		(void)fputs("load: want one ADDRESS:PORT; see load --help\n",
		    stderr);
		return (-1);
	}
	if (opt->body_file != NULL && opt->secret_file == NULL) {
		(void)fputs("load: --body needs --secret-file\n", stderr);
		return (-1);
	}
	if (opt->nrequests != 0)
		opt->warm_us = 0; /* all of them are counted */
	return (read_address(opt, argv[optind]));
}
