/* What a lock may be called, at the broker as in the state file. */
#include <string.h>

#include "deploy/lock.h"

int deploy_lock_check(const char *name, struct deploy_error *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_./:-";
	size_t len = strlen(name);

	if (len && len <= DEPLOY_LOCK_NAME_MAX && name[strspn(name, allowed)] == '\0')
		return 0;
	deploy_error_hint(err, "1 to %d of A-Z a-z 0-9 _ . / : - make a name: cluster/alfa",
		DEPLOY_LOCK_NAME_MAX);
	return deploy_error_set(
		err, DEPLOY_INPUT, "\"%.*s\" is no name of a lock", DEPLOY_LOCK_NAME_MAX + 1, name);
}
