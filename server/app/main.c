#include "server/cli/verb.h"
#include "store/store.h"

int
main(int argc, char **argv)
{
	store_process_init();
	return (verb_main(argc, argv));
}
