/* The words for what an examination found. */
#include "deploy/finding.h"

const char *deploy_grade_name(enum deploy_grade grade)
{
	switch (grade) {
	case DEPLOY_GRADE_OK:
		return "ok";
	case DEPLOY_GRADE_WARNING:
		return "warning";
	case DEPLOY_GRADE_FAILED:
		return "failed";
	case DEPLOY_GRADE_UNTRIED:
		return "not tried";
	}
	return "unknown";
}
