/* klikitd with one type of handlers more (shout.h). */
#include "server/app/verb_table.h"
#include "server/cli/verb_run.h"
#include "store/store.h"
#include "test/lib/shout.h"

int
main(int argc, char **argv)
{
	store_process_init();
	return (verb_run(verb_table, shout_types, argc, argv));
}
