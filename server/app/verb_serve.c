#include <stdlib.h>
#include <unistd.h>

#include "server/app/server.h"
#include "server/app/verb_table.h"
#include "server/cli/process_guard.h"
#include "server/cli/verb.h"

static enum verb_exit
verb_serve_run(const struct verb_args *args)
{
	const struct config_source source =
	    verb_config_source(args, CONFIG_SERVER, false);
	struct server_options opt = { .source = &source };

	process_guard_memory();
	if ((opt.cfg = verb_config_serve(&source)) == NULL)
		return (VERB_FAILED);
	return (server_run(&opt) == 0 ? VERB_DONE : VERB_FAILED);
}

const struct verb verb_serve = {
	.name = "serve",
	.words = "",
	.text = "Receive, store and process klikit's deliveries",
	.more =
	    "The secret comes from KLIKIT_WEBHOOK_SECRET, from the file named "
	    "by\n"
	    "KLIKIT_WEBHOOK_SECRET_FILE, or from the key klikit.secret_file.\n"
	    "\n"
	    "  KLIKIT_WEBHOOK_SECRET=... klikitd serve\n"
	    "  klikitd serve -c /etc/klikitd/klikitd.ini\n"
	    "\n"
	    "A secret in the environment is taken out of it at once, so that "
	    "no program\n"
	    "that a handler runs can read it. As root it warns: a user of its "
	    "own is\n"
	    "all that it needs.\n"
	    "\n"
	    "Prints one line per listener on stdout when it is ready; the log\n"
	    "goes to stderr. TERM: finish what is under way, then stop; a "
	    "second\n"
	    "one: leave now. HUP: read the configuration again; but if it "
	    "came\n"
	    "because the terminal was closed, stop.\n",
	.words_max = 0,
	.config = true,
	.run = verb_serve_run,
};
