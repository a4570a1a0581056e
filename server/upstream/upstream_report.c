#include "server/upstream/upstream_report.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

char *
upstream_report_text(const struct upstream_outcome *outcomes, size_t n)
{
	json_t *list = json_array(), *o;
	char *text = NULL;
	int bad = list == NULL ? -1 : 0;

	for (size_t i = 0; i < n && bad == 0; i++) {
		const struct upstream_outcome *out = &outcomes[i];

		o = json_pack("{s:s, s:s, s:s}", "id", out->id, "lease",
		    out->lease, "outcome", out->dead == NULL ? "done" : "dead");
		if (out->dead != NULL)
			bad = json_object_set_new(o, "reason",
			    json_string(out->dead));
		bad |= json_array_append_new(list, o);
	}
	if (bad == 0 && (o = json_pack("{s:O}", "outcomes", list)) != NULL) {
		text = json_dumps(o, JSON_COMPACT);
		json_decref(o);
	}
	json_decref(list);
	return (text);
}

static int
fail(char reason[HANDLER_REASON_MAX], const char *why)
{
	(void)snprintf(reason, HANDLER_REASON_MAX, "%s", why);
	return (-1);
}

int
upstream_report_read(const char *bytes, size_t len,
    const struct upstream_outcome *outcomes, size_t n, size_t *ret_gone,
    char reason[HANDLER_REASON_MAX])
{
	json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *list = json_object_get(root, "outcomes");
	size_t gone = 0, known = 0;

	for (size_t i = 0; i < json_array_size(list) && i < n; i++) {
		const json_t *o = json_array_get(list, i);
		const char *id = json_string_value(json_object_get(o, "id"));
		const char *word =
		    json_string_value(json_object_get(o, "result"));

		if (id == NULL || strcmp(id, outcomes[i].id) != 0 ||
		    word == NULL)
			break;
		if (strcmp(word, "gone") == 0)
			gone++;
		else if (strcmp(word, "recorded") != 0)
			break;
		known++;
	}
	if (!json_is_array(list) || json_array_size(list) != n || known != n) {
		json_decref(root);
		return (fail(reason,
		    "it does not say of each job whether it was recorded"));
	}
	json_decref(root);
	*ret_gone = gone;
	return (0);
}
