/* Events: their names, as they stand in state and in jsonl. */
#include "deploy/event.h"

const char *deploy_event_type_name(enum deploy_event_type type)
{
	static const char *const names[DEPLOY_EVENT_TYPES] = {
		[DEPLOY_EVENT_TASK_STARTED] = "task_started",
		[DEPLOY_EVENT_GROUP_STARTED] = "group_started",
		[DEPLOY_EVENT_INTENT] = "intent",
		[DEPLOY_EVENT_ASKED] = "asked",
		[DEPLOY_EVENT_STEP] = "step",
		[DEPLOY_EVENT_RETRY] = "retry",
		[DEPLOY_EVENT_OUTCOME] = "outcome",
		[DEPLOY_EVENT_IGNORED] = "ignored",
		[DEPLOY_EVENT_STOPPED] = "stopped",
		[DEPLOY_EVENT_PROGRESS] = "progress",
		[DEPLOY_EVENT_BLOCKED] = "blocked",
		[DEPLOY_EVENT_UNBLOCKED] = "unblocked",
		[DEPLOY_EVENT_TASK_ENDED] = "task_ended",
	};

	return (unsigned)type < DEPLOY_EVENT_TYPES ? names[type] : "no such type";
}
