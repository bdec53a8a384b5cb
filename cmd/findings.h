/* Findings as they come: shown in one format, counted, and meaning one exit status at the end. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "command.h"

/* Zero-initialise, fill in out and subject_width, then findings_add(). */
struct findings {
	struct out *out;
	size_t subject_width; /* columns for what is examined; longer ones push the rest */

	json_t *items;	  /* for the document; NULL in other formats */
	size_t count[4];  /* by enum deploy_grade */
	size_t seq;	  /* of the lines of jsonl */
	int status;	  /* the worst so far */
	bool has_headers; /* they were printed */
};

/* Widen the column of subjects for one that will come. */
void findings_expect(struct findings *findings, const char *subject);

/*
 * Take one finding. status: what a failure of it means, see exits.h; of other grades it is ignored.
 * Text and remedy may be foreign: they are escaped.
 */
void findings_add(struct findings *findings, const struct deploy_finding *finding, int status);

/* The same with a text to format; remedy: NULL for none. code is taken from status. */
void findings_tell(struct findings *findings, enum deploy_grade grade, int status,
	const char *check, const char *subject, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

/* Say the sum on stderr, hand out the document. Returns the exit status, err's included. */
int findings_end(struct findings *findings, const char *kind, const struct deploy_error *err);

#endif
