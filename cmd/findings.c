/* What an examination shows: a line for each finding, what to do below it, the sum at the end. */
#include "findings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SUBJECT_WIDTH 48
#define MIN_DETAIL	  30
#define CHECK_WIDTH	  13 /* "configuration" */
#define RESULT_WIDTH	  9  /* "not tried" */

void findings_expect(struct findings *findings, const char *subject)
{
	size_t width = subject ? deploy_text_columns(subject) : 0;

	if (width > MAX_SUBJECT_WIDTH)
		width = MAX_SUBJECT_WIDTH;
	if (width > findings->subject_width)
		findings->subject_width = width;
}

/* A cell and the two blanks behind it. */
static void print_cell(struct out *out, enum out_tone tone, const char *text, size_t width)
{
	size_t columns = deploy_text_columns(text);

	out_tone(out, tone, text);
	out_text(out, "%*s", (int)(columns < width ? width - columns : 0) + 2, "");
}

/* True on a terminal where the columns leave no room for what there is to tell. */
static bool is_narrow(const struct findings *findings)
{
	size_t columns = out_columns(findings->out);

	return columns && out_format(findings->out) != OUT_WIDE &&
	       CHECK_WIDTH + findings->subject_width + RESULT_WIDTH + 6 + MIN_DETAIL > columns;
}

/* The subject is then a part of the text, which is broken into lines. */
static void print_narrow(struct findings *findings, const struct deploy_finding *finding)
{
	const char *result = deploy_grade_name(finding->grade);
	struct out *out = findings->out;
	size_t columns = out_columns(out), start = RESULT_WIDTH + CHECK_WIDTH + 4, indent = start;
	const char *parts[] = {finding->subject, ": ", finding->text};
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		abort();
	for (int i = strcmp(finding->subject, "-") == 0 ? 2 : 0; i < 3; i++)
		(void)fputs(parts[i], stream);
	(void)fclose(stream);
	if (columns < start + MIN_DETAIL)
		indent = 4;
	if (!findings->has_headers && out_has_headers(out)) {
		print_cell(out, OUT_PLAIN, "RESULT", RESULT_WIDTH);
		print_cell(out, OUT_PLAIN, "CHECK", CHECK_WIDTH);
		out_text(out, "DETAIL\n");
	}
	findings->has_headers = true;
	print_cell(out, out_tone_of(result), result, RESULT_WIDTH);
	print_cell(out, OUT_PLAIN, finding->check, CHECK_WIDTH);
	out_words(out, text, indent, start, columns);
	free(text);
	if (finding->remedy[0]) {
		out_text(out, "    try: ");
		out_words(out, finding->remedy, 9, 9, columns);
	}
	out_flush(out);
}

static void print_row(struct findings *findings, const struct deploy_finding *finding)
{
	const char *result = deploy_grade_name(finding->grade);
	struct out *out = findings->out;

	if (!findings->has_headers && out_has_headers(out)) {
		findings_expect(findings, "SUBJECT");
		print_cell(out, OUT_PLAIN, "CHECK", CHECK_WIDTH);
		print_cell(out, OUT_PLAIN, "SUBJECT", findings->subject_width);
		print_cell(out, OUT_PLAIN, "RESULT", RESULT_WIDTH);
		out_text(out, "DETAIL\n");
	}
	findings->has_headers = true;
	print_cell(out, OUT_PLAIN, finding->check, CHECK_WIDTH);
	print_cell(out, OUT_PLAIN, finding->subject, findings->subject_width);
	print_cell(out, out_tone_of(result), result, RESULT_WIDTH);
	out_text(out, "%s\n", finding->text);
	if (finding->remedy[0])
		out_text(out, "    try: %s\n", finding->remedy);
	out_flush(out);
}

static json_t *item_of(const struct deploy_finding *finding, int status)
{
	bool has_failed = finding->grade == DEPLOY_GRADE_FAILED;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "check", finding->check, "subject",
		finding->subject, "result", deploy_grade_name(finding->grade), "text",
		finding->text, "remedy", finding->remedy, "code",
		has_failed ? exit_name(status) : "");
}

static void stream(struct findings *findings, const struct deploy_finding *finding, int status)
{
	json_t *line =
		json_pack("{s:s, s:I}", "type", "finding", "seq", (json_int_t)++findings->seq);

	(void)json_object_update_new(line, item_of(finding, status));
	out_json_line(findings->out, line);
	out_flush(findings->out);
	json_decref(line);
}

static void show(struct findings *findings, const struct deploy_finding *finding, int status)
{
	switch (out_format(findings->out)) {
	case OUT_TABLE:
	case OUT_WIDE:
		if (is_narrow(findings))
			print_narrow(findings, finding);
		else
			print_row(findings, finding);
		break;
	case OUT_JSON:
	case OUT_YAML:
		if (!findings->items)
			findings->items = json_array();
		(void)json_array_append_new(findings->items, item_of(finding, status));
		break;
	case OUT_JSONL:
		stream(findings, finding, status);
		break;
	case OUT_NAME:
		if (finding->grade == DEPLOY_GRADE_FAILED)
			out_text(findings->out, "%s\n", finding->subject);
		break;
	case OUT_DOT: /* refused before */
		break;
	}
}

void findings_add(struct findings *findings, const struct deploy_finding *finding, int status)
{
	struct deploy_finding safe = *finding;
	char *subject = deploy_text_escape(finding->subject, strlen(finding->subject));
	char *text = deploy_text_escape(finding->text, strlen(finding->text));
	char *remedy = deploy_text_escape(finding->remedy, strlen(finding->remedy));

	safe.subject = subject;
	safe.text = text;
	safe.remedy = remedy;
	findings->count[finding->grade]++;
	if (finding->grade == DEPLOY_GRADE_FAILED)
		findings->status = exit_worse(findings->status, status);
	show(findings, &safe, status);
	free(subject);
	free(text);
	free(remedy);
}

void findings_tell(struct findings *findings, enum deploy_grade grade, int status,
	const char *check, const char *subject, const char *remedy, const char *format, ...)
{
	struct deploy_finding finding = {
		.grade = grade, .check = check, .subject = subject, .remedy = remedy ? remedy : ""};
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	va_list args;

	if (!stream)
		abort();
	va_start(args, format);
	(void)vfprintf(stream, format, args);
	va_end(args);
	(void)fclose(stream);
	finding.text = text;
	findings_add(findings, &finding, status);
	free(text);
}

static void note_sum(const struct findings *findings)
{
	static const enum deploy_grade order[] = {
		DEPLOY_GRADE_OK, DEPLOY_GRADE_WARNING, DEPLOY_GRADE_FAILED, DEPLOY_GRADE_UNTRIED};
	size_t total = 0, len = 0;
	char sum[256] = "";

	for (int i = 0; i < 4; i++) {
		size_t count = findings->count[order[i]];
		int n;

		total += count;
		if (!count)
			continue;
		n = snprintf(sum + len, sizeof(sum) - len, "%s%zu %s%s", len ? ", " : "", count,
			deploy_grade_name(order[i]),
			order[i] == DEPLOY_GRADE_WARNING && count > 1 ? "s" : "");
		len += n > 0 ? (size_t)n : 0;
	}
	out_note(findings->out, "%zu checks: %s", total, sum);
}

int findings_end(struct findings *findings, const char *kind, const struct deploy_error *err)
{
	const size_t *count = findings->count;
	json_t *summary =
		json_pack("{s:I, s:I, s:I, s:I}", "ok", (json_int_t)count[DEPLOY_GRADE_OK],
			"warning", (json_int_t)count[DEPLOY_GRADE_WARNING], "failed",
			(json_int_t)count[DEPLOY_GRADE_FAILED], "not_tried",
			(json_int_t)count[DEPLOY_GRADE_UNTRIED]);
	int status = findings->status;

	if (err->code)
		status = exit_worse(status, exit_of_error(err->code));
	note_sum(findings);
	out_document(findings->out, kind, findings->items, summary, status, err);
	json_decref(findings->items);
	json_decref(summary);
	return status;
}
