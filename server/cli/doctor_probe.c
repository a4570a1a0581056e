#include "server/cli/doctor_probe.h"

#include <stdio.h>

#include "server/base/log.h"
#include "server/cli/verb_admin.h"

#define TEXT_MAX 1024

void
doctor_probe(const struct verb_args *args, const char *url,
    doctor_found_fn *found, void *arg)
{
	struct verb_admin *va = verb_admin_open(args, VERB_LOOKS);
	struct doctor_finding f = { .level = DOCTOR_FAIL, .check = "probe" };
	json_t *o = NULL;
	char text[TEXT_MAX];

	if (va != NULL)
		o = verb_admin_post_live(va, "/api/v1/probe",
		    json_pack("{s:s}", "url", url));
	if (json_is_true(json_object_get(o, "arrived")))
		f.level = DOCTOR_OK;
	f.text = json_string_value(json_object_get(o, "text"));
	f.advice = json_string_value(json_object_get(o, "advice"));
	if (f.text == NULL) {
		f.text = "cannot be done: see above";
		f.advice = "klikitd has to run here, with an admin listener, "
			   "since it waits for what is sent";
	}
	(void)snprintf(text, sizeof(text), "%s: %s", log_text(url), f.text);
	f.text = text;
	found(&f, arg);
	json_decref(o);
	verb_admin_close(va);
}
