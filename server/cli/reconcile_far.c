#include "server/cli/reconcile_far.h"

#include "server/config/config.h"

_Static_assert(CONFIG_LIST_NAMES == RECONCILE_NNAMES, "every name has its key");
_Static_assert((int)PAGING_CURSOR == (int)RECONCILE_BY_CURSOR &&
		   (int)AUTH_BEARER == (int)RECONCILE_BEARER,
    "the words of the keys mean the same");

void
reconcile_far_of(const struct config *cfg, struct reconcile_far *ret_far)
{
	const struct config_reconcile *r = &cfg->reconcile;

	*ret_far = (struct reconcile_far){
		.url = r->url,
		.ca_file = r->ca_file,
		.auth = (enum reconcile_auth)r->auth,
		.credentials = r->credentials,
		.paging = (enum reconcile_paging)r->paging,
	};
	for (int i = 0; i < RECONCILE_NNAMES; i++)
		ret_far->names[i] = r->names[i];
}
