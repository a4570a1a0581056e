#include "server/config/config_credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/config/config_table.h"

#define OF_THE_SERVICE "/run/credentials/klikitd.service"

const char *
config_credential_folder(const char *set)
{
	if (set != NULL)
		return (set);
	return (
	    access(OF_THE_SERVICE, R_OK | X_OK) == 0 ? OF_THE_SERVICE : NULL);
}

char *
config_credential_path(const char *folder, const char *text,
    char reason[KEY_REASON_MAX])
{
	const char *name = text + strlen(CONFIG_CREDENTIAL);
	char *path;

	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL) {
		(void)config_reason(reason,
		    "\"%s\" names no credential: it is a name without '/'",
		    log_text(text));
		return (NULL);
	}
	if (folder == NULL) {
		(void)config_reason(reason,
		    "\"%s\": the service manager hands over no credentials "
		    "here; by hand: CREDENTIALS_DIRECTORY=FOLDER klikitd ...",
		    log_text(text));
		return (NULL);
	}
	if ((path = config_path_join(folder, name)) == NULL)
		(void)config_reason(reason, "out of memory");
	return (path);
}

char *
config_credential_find(const char *folder, const char *name)
{
	char *path = folder == NULL ? NULL : config_path_join(folder, name);

	if (path != NULL && access(path, F_OK) == 0)
		return (path);
	free(path);
	return (NULL);
}
