/* A whole plan, and plans in it: each is read by itself, all have one list of flaws. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "plan/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What stands at the top. */

static void read_title(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *text = dp_spot_text(&r->source, spot, "the plan's name");

	if (text && !deploy_identity_is_valid(text, strlen(text)))
		dp_flaw_quoted(&r->source, spot, text,
			"cannot name a plan: expected 1 to 255 of A-Z a-z 0-9 _ . -");
	else if (text)
		*(const char **)field = text;
}

static void read_words(struct dp_plan_reader *r, const struct dp_spot *spot,
	struct deploy_texts *words, const char *letters, const char *why)
{
	dp_plan_read_texts(r, spot, words);
	for (size_t i = 0; i < words->count; i++)
		if (strspn(words->items[i], letters) != strlen(words->items[i]) ||
			(words->items[i][0] <= '9' && strchr(letters, 'A')))
			dp_flaw_quoted(&r->source, spot, words->items[i], why);
}

static void read_agents(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	read_words(r, spot, field, "abcdefghijklmnopqrstuvwxyz0123456789_",
		"is no agent: expected a-z 0-9 _");
}

static void read_env(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	read_words(r, spot, field,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
		"is no name of a variable: expected letters, digits and _, no digit in front");
}

static void read_requires(struct dp_plan_reader *r, const struct dp_spot *spot, void *book)
{
	static const struct dp_plan_key keys[] = {
		{"agents", read_agents, offsetof(struct deploy_playbook, agents), 0, 0, 0},
		{"env", read_env, offsetof(struct deploy_playbook, env), 0, 0, 0},
	};

	(void)dp_plan_read_keys(r, spot, keys, COUNT(keys), book);
}

static void read_sets(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_playbook *book = field;
	const char *name;
	json_t *value;

	if (!dp_spot_is_a(&r->source, spot, JSON_OBJECT, "a mapping"))
		return;
	book->sets = dp_plan_array(r, json_object_size(spot->value), sizeof(*book->sets));
	json_object_foreach(spot->value, name, value)
	{
		const struct dp_spot set = {.up = spot, .value = value, .key = name};

		book->sets[book->set_count].name = name;
		if (strcmp(name, "group") == 0 || !dp_plan_is_name(name))
			dp_flaw_quoted(&r->source, &set, name,
				"cannot name a set: expected letters, digits and _, no digit in "
				"front, neither group nor a word of Lua");
		dp_plan_read_selection(r, &set, &book->sets[book->set_count++].selection);
	}
}

static void read_steps(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	unsigned sees = r->sees;

	r->sees |= DP_SEES_STEPS;
	dp_plan_read_steps(r, spot, "", field);
	r->sees = sees;
}

static void read_hook(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	char *prefix = dp_plan_own(r, dp_xasprintf("%s.", spot->key));
	unsigned sees = r->sees;

	r->sees |= DP_SEES_STEPS;
	dp_plan_read_steps(r, spot, prefix, field);
	r->sees = sees;
}

/* In the order in which they are read: names are declared before they are used. */
static void read_root(struct dp_plan_reader *r)
{
#define KEY(name, read, member)                                                                    \
	{                                                                                          \
		name, read, offsetof(struct deploy_playbook, member), 0, false, false              \
	}
	static const struct dp_plan_key keys[] = {
		{"plan", read_title, offsetof(struct deploy_playbook, plan), 0, true, false},
		KEY("description", dp_plan_read_text, description),
		{"inputs", dp_plan_read_declarations, 0, 0, false, false},
		{"requires", read_requires, 0, 0, false, false},
		{"sets", read_sets, 0, 0, false, false},
		KEY("lock", dp_plan_read_template, lock),
		KEY("clipboard", dp_plan_read_object, clipboard),
		KEY("clipboard_keep", dp_plan_read_texts, clipboard_keep),
		KEY("secret", dp_plan_read_texts, secret),
		{"steps", read_steps, offsetof(struct deploy_playbook, steps), 0, true, false},
		KEY("on_success", read_hook, on_success),
		KEY("on_failure", read_hook, on_failure),
		KEY("always", read_hook, always),
	};
#undef KEY
	const struct dp_spot root = {.value = deploy_yaml_root(r->book->doc)};

	dp_plan_collect_ids(r, json_object_get(root.value, "steps"));
	(void)dp_plan_read_keys(r, &root, keys, COUNT(keys), r->book);
}

/* Plans in plans. */

const char *dp_plan_path(struct dp_plan_reader *r, const char *path)
{
	const char *slash = strrchr(r->source.file, '/');

	if (path[0] == '/' || !slash)
		return path;
	return dp_plan_own(
		r, dp_xasprintf("%.*s/%s", (int)(slash - r->source.file), r->source.file, path));
}

bool dp_plan_is_file(struct dp_plan_reader *r, const struct dp_spot *spot, const char *path)
{
	const char *file = dp_plan_path(r, path);
	struct stat st;

	if (dp_plan_is_template(path))
		dp_flaw(&r->source, spot,
			"expected the path of a file; ${...} is not known when it is read");
	else if (strcmp(file, "-") == 0 || stat(file, &st) < 0 || access(file, R_OK) < 0)
		dp_flaw_quoted(&r->source, spot, file,
			strcmp(file, "-") == 0 ? "is no file" : strerror(errno));
	else if (!S_ISREG(st.st_mode))
		dp_flaw_quoted(&r->source, spot, file, "is no file");
	else
		return true;
	return false;
}

/* False, with a flaw, if the file must not be read: too many of them, or it is on the way to here.
 */
static bool may_enter(struct dp_plan_reader *r, const struct dp_spot *spot, const struct stat *st)
{
	unsigned depth = 1;

	for (const struct dp_plan_reader *outer = r; outer; outer = outer->outer) {
		if (outer->device == st->st_dev && outer->inode == st->st_ino) {
			dp_flaw(&r->source, spot, "leads back to this plan: it would never end");
			return false;
		}
		depth++;
	}
	if (depth > DEPLOY_PLAYBOOK_MAX_DEPTH) {
		dp_flaw(&r->source, spot, "more than %d plans in each other",
			DEPLOY_PLAYBOOK_MAX_DEPTH);
		return false;
	}
	if (++r->trip->file_count < DEPLOY_PLAYBOOK_MAX_FILES)
		return true;
	dp_flaw(&r->source, spot, "more than %d plans in all", DEPLOY_PLAYBOOK_MAX_FILES);
	return false;
}

static struct deploy_playbook *new_playbook(struct deploy_yaml *doc)
{
	struct deploy_playbook *book = dp_xcalloc(1, sizeof(*book));

	book->own = dp_xcalloc(1, sizeof(*book->own));
	book->doc = doc;
	book->name = dp_xstrdup(deploy_yaml_name(doc));
	return book;
}

/* doc, which is of the file st, if it is of one, is taken. */
static struct deploy_playbook *read_doc(struct deploy_yaml *doc, struct dp_plan_trip *trip,
	const struct dp_plan_reader *outer, const struct stat *st)
{
	struct deploy_playbook *book = new_playbook(doc);
	struct dp_plan_reader reader = {.source = {.doc = doc, .file = book->name},
		.book = book,
		.trip = trip,
		.outer = outer,
		.device = st->st_dev,
		.inode = st->st_ino,
		.sees = DP_SEES_START};
	size_t before = trip->step_count;

	if (!trip->flaws)
		trip->flaws = &book->own->flaws;
	reader.source.flaws = trip->flaws;
	dp_strset_init(&reader.all_ids);
	read_root(&reader);
	book->step_count = trip->step_count - before;
	dp_strset_release(&reader.all_ids);
	free(reader.names.items);
	return book;
}

struct deploy_playbook *dp_plan_read_inner(
	struct dp_plan_reader *r, const struct dp_spot *spot, const char *file)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_yaml *doc = NULL;
	const char *path = dp_plan_path(r, file);
	struct stat st;

	if (!dp_plan_is_file(r, spot, file) || stat(path, &st) < 0 || !may_enter(r, spot, &st))
		return NULL;
	if (deploy_yaml_read_file(&doc, path, &err)) {
		dp_plan_flaw(r, spot, &err);
		return NULL;
	}
	return read_doc(doc, r->trip, r, &st);
}

/* The outermost plan. */

static int compare_flaws(const void *one, const void *two)
{
	const struct deploy_flaw *a = one, *b = two;
	int order = strcmp(a->file, b->file);

	if (order)
		return order;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	if (a->place.column != b->place.column)
		return a->place.column < b->place.column ? -1 : 1;
	order = strcmp(a->pointer, b->pointer);
	return order ? order : strcmp(a->text, b->text);
}

/* Which agents nobody here knows. */
static void list_unknown_agents(struct deploy_playbook *book, struct dp_plan_trip *trip)
{
	struct dp_plan_reader r = {.book = book};
	struct deploy_texts *unknown = &book->unknown_agents;

	unknown->items = dp_plan_array(&r, trip->ddl_count, sizeof(*unknown->items));
	for (size_t i = 0; i < trip->ddl_count; i++)
		if (!trip->ddls[i].ddl)
			unknown->items[unknown->count++] =
				dp_plan_own(&r, dp_xstrdup(trip->ddls[i].agent));
}

static struct deploy_playbook *read_outermost(
	struct deploy_yaml *doc, const struct deploy_playbook_options *options, bool is_file)
{
	static const struct deploy_playbook_options none = {NULL, 0};
	struct dp_plan_trip trip = {.options = options ? options : &none};
	struct deploy_playbook *book;
	struct stat st = {0};

	/* A text is not of the file that it is called by. */
	if (is_file)
		(void)stat(deploy_yaml_name(doc), &st);
	book = read_doc(doc, &trip, NULL, &st);

	list_unknown_agents(book, &trip);
	dp_plan_release_ddls(&trip);
	if (book->own->flaws.told_count)
		qsort(book->own->flaws.told, book->own->flaws.told_count,
			sizeof(book->own->flaws.told[0]), compare_flaws);
	return book;
}

int deploy_playbook_read(struct deploy_playbook **out, const char *name, const char *text,
	size_t len, const struct deploy_playbook_options *options, struct deploy_error *err)
{
	struct deploy_yaml *doc = NULL;

	if (deploy_yaml_read(&doc, name, text, len, err))
		return err->code;
	*out = read_outermost(doc, options, false);
	return 0;
}

int deploy_playbook_read_file(struct deploy_playbook **out, const char *path,
	const struct deploy_playbook_options *options, struct deploy_error *err)
{
	struct deploy_yaml *doc = NULL;

	if (deploy_yaml_read_file(&doc, path, err))
		return err->code;
	*out = read_outermost(doc, options, true);
	return 0;
}

static void free_inner(struct deploy_steps *steps)
{
	for (size_t i = 0; i < steps->count; i++) {
		struct deploy_step *step = &steps->items[i];

		deploy_playbook_free(step->plan);
		free_inner(&step->steps);
		free_inner(&step->always);
		for (size_t j = 0; j < step->lane_count; j++)
			free_inner(&step->lanes[j]);
	}
}

void deploy_playbook_free(struct deploy_playbook *book)
{
	if (!book)
		return;
	free_inner(&book->steps);
	free_inner(&book->on_success);
	free_inner(&book->on_failure);
	free_inner(&book->always);
	for (size_t i = 0; i < book->own->count; i++)
		free(book->own->blocks[i]);
	free(book->own->blocks);
	dp_flaws_release(&book->own->flaws);
	free(book->own);
	deploy_yaml_free(book->doc);
	free(book->name);
	free(book);
}

size_t deploy_playbook_flaw_count(const struct deploy_playbook *book)
{
	return book->own->flaws.count;
}

const struct deploy_flaw *deploy_playbook_flaw(const struct deploy_playbook *book, size_t index)
{
	return &book->own->flaws.told[index];
}

struct deploy_place deploy_step_place(
	const struct deploy_playbook *book, const struct deploy_step *step, const char *key)
{
	struct deploy_place place = deploy_yaml_value(book->doc, step->source, key ? key : "");
	const char *first;
	json_t *value;

	if (place.line)
		return place;
	/* A step begins with its first key. */
	json_object_foreach(step->source, first, value) return deploy_yaml_key(
		book->doc, step->source, first);
	return place;
}
