/* Examining a broker without a run. */
#include "deploy/finding.h"

#include "wire/transport.h"

int deploy_broker_examine(const struct deploy_config *config, size_t index, const char *collective,
	deploy_finding_fn *found, void *arg)
{
	return dp_transport_examine(config, index, collective, found, arg);
}
