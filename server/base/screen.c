#include "server/base/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "store/base/parse.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MIN 20
#define WIDTH_MAX 10000

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define CYAN "\033[36m"
#define FAINT "\033[2m"
#define PLAIN "\033[0m"

static unsigned
width_of(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int64_t n;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return (size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col);
	if (columns != NULL &&
	    parse_int(columns, WIDTH_MIN, WIDTH_MAX, &n) == 0)
		return ((unsigned)n);
	return (WIDTH_DEFAULT);
}

static bool
wants_colours(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return ((no_color == NULL || no_color[0] == '\0') &&
		(term == NULL || strcmp(term, "dumb") != 0));
}

struct screen
screen_of(FILE *out)
{
	int fd = fileno(out);
	struct screen s = { 0 };

	if (fd == -1 || !isatty(fd))
		return (s);
	s.terminal = true;
	s.colours = wants_colours();
	s.width = width_of(fd);
	return (s);
}

const char *
screen_state(const struct screen *s, const char *word)
{
	static const struct {
		const char *word;
		const char *colour;
	} known[] = {
		{ "done", GREEN },
		{ "active", GREEN },
		{ "dead", RED },
		{ "paused", YELLOW },
		{ "probing", YELLOW },
		{ "waiting", YELLOW },
		{ "pending", CYAN },
		{ "ready", CYAN },
		{ "running", CYAN },
		{ "parked", FAINT },
		{ "replayed", FAINT },
		{ "discarded", FAINT },
	};

	for (size_t i = 0; s->colours && i < sizeof(known) / sizeof(known[0]);
	     i++) {
		if (strcmp(known[i].word, word) == 0)
			return (known[i].colour);
	}
	return ("");
}

const char *
screen_faint(const struct screen *s)
{
	return (s->colours ? FAINT : "");
}

const char *
screen_plain(const struct screen *s)
{
	return (s->colours ? PLAIN : "");
}
