#include "handlers/registry.h"
#include "server/app/verb_table.h"
#include "server/base/spare_memory.h"
#include "server/cli/verb_run.h"
#include "store/store.h"

int
main(int argc, char **argv)
{
	spare_memory_begin();
	store_process_init();
	return (verb_run(verb_table, handler_types, argc, argv));
}
