/* Reading an mco configuration as mco does. Source: MCollective 2.12, config class. */
#include "model/client_cfg.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "deploy/error.h"
#include "base/mem.h"
#include "deploy/text.h"

/* Every key that is no plugin's; another one is an error, as for mco. */
static const char *const known_keys[] = {"activate_agents", "classesfile", "collectives", "color",
	"connection_timeout", "connector", "daemonize", "default_batch_size",
	"default_batch_sleep_time", "default_discovery_method", "default_discovery_options",
	"direct_addressing", "direct_addressing_threshold", "discovery_timeout", "fact_cache_time",
	"factsource", "helptemplatedir", "identity", "keeplogs", "libdir", "logfacility", "logfile",
	"logger_type", "loglevel", "main_collective", "max_log_size", "publish_timeout",
	"queueprefix", "registerinterval", "registration", "registration_collective",
	"registration_splay", "rpcaudit", "rpcauditprovider", "rpcauthorization", "rpcauthprovider",
	"rpchelptemplate", "rpclimitmethod", "securityprovider", "soft_shutdown",
	"soft_shutdown_timeout", "ssl_cipher", "threaded", "topicprefix", "topicsep", "ttl"};
#define KNOWN_KEYS (sizeof(known_keys) / sizeof(known_keys[0]))

/* The place in the files that is being read. */
struct place {
	struct dp_client_cfg *cfg;
	const char *path;
	const char *word; /* of plugin.d/WORD.cfg; NULL in the main file */
	unsigned line;
	bool is_public;
};

void dp_client_cfg_release(struct dp_client_cfg *cfg)
{
	for (size_t i = 0; i < cfg->count; i++) {
		dp_wipe(cfg->entries[i].value, strlen(cfg->entries[i].value));
		free(cfg->entries[i].key);
		free(cfg->entries[i].value);
	}
	for (size_t i = 0; i < cfg->path_count; i++)
		free(cfg->paths[i]);
	free(cfg->entries);
	free(cfg->order);
	free(cfg->paths);
	*cfg = (struct dp_client_cfg){0};
}

static bool is_known(const char *key)
{
	if (strncmp(key, "plugin.", 7) == 0 && key[7] != '\0')
		return true;
	for (size_t i = 0; i < KNOWN_KEYS; i++)
		if (strcmp(key, known_keys[i]) == 0)
			return true;
	return false;
}

static int refuse_key(const struct place *place, const char *key, struct deploy_error *err)
{
	const char *close = deploy_text_suggest(key, known_keys, KNOWN_KEYS);

	(void)deploy_error_set(
		err, DEPLOY_CONFIG, "%s:%u: unknown key '%s'", place->path, place->line, key);
	if (close)
		deploy_error_hint(err, "did you mean '%s'?", close);
	return err->code;
}

static int add(const struct place *place, const char *key, size_t key_len, const char *value,
	struct deploy_error *err)
{
	struct dp_client_cfg *cfg = place->cfg;
	struct dp_cfg_entry *entry;

	cfg->entries = dp_grow(cfg->entries, &cfg->cap, cfg->count + 1, sizeof(*cfg->entries));
	entry = &cfg->entries[cfg->count++];
	*entry = (struct dp_cfg_entry){.value = dp_xstrdup(value),
		.path = place->path,
		.line = place->line,
		.is_public = place->is_public};
	if (place->word)
		entry->key = dp_xasprintf("plugin.%s.%.*s", place->word, (int)key_len, key);
	else
		entry->key = dp_xstrndup(key, key_len);
	return is_known(entry->key) ? 0 : refuse_key(place, entry->key, err);
}

/* text ends in NUL and is changed: trailing blanks are cut. */
static int parse_line(const struct place *place, char *text, struct deploy_error *err)
{
	size_t len = strlen(text);
	char *equals, *end;

	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	if (!len || text[0] == '#')
		return 0;
	equals = strchr(text, '=');
	if (!equals)
		return 0;
	end = equals++;
	while (isspace((unsigned char)*text))
		text++;
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	while (isspace((unsigned char)*equals))
		equals++;
	if (end == text || !*equals)
		return 0;
	return add(place, text, (size_t)(end - text), equals, err);
}

static int parse(struct place *place, char *text, struct deploy_error *err)
{
	int rc = 0;

	while (text && !rc) {
		char *next = strchr(text, '\n');

		if (next)
			*next++ = '\0';
		place->line++;
		rc = parse_line(place, text, err);
		text = next;
	}
	return rc;
}

/* path is taken over, and freed with the configuration. */
static int take_file(struct dp_client_cfg *cfg, char *path, const char *word, struct dp_file *file,
	struct deploy_error *err)
{
	struct place place = {.cfg = cfg,
		.path = path,
		.word = word,
		.is_public = (file->st.st_mode & S_IROTH) != 0};

	cfg->paths = dp_grow(cfg->paths, &cfg->path_cap, cfg->path_count + 1, sizeof(*cfg->paths));
	cfg->paths[cfg->path_count++] = path;
	return file->text.len ? parse(&place, file->text.data, err) : 0;
}

/* The word of WORD.cfg, for the caller to free; NULL if it is no such name. */
static char *plugin_word(const char *name)
{
	size_t len = strlen(name);

	if (len < 5 || strcmp(name + len - 4, ".cfg") != 0)
		return NULL;
	for (size_t i = 0; i < len - 4; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return NULL;
	return dp_xstrndup(name, len - 4);
}

/* path is taken over. */
static int read_plugin(
	struct dp_client_cfg *cfg, char *path, const char *word, struct deploy_error *err)
{
	struct dp_file file;
	int rc = dp_file_read(&file, path, err);

	if (rc)
		free(path);
	else
		rc = take_file(cfg, path, word, &file, err);
	dp_file_release(&file);
	return rc;
}

/* Each file has a namespace of its own, so that it does not matter which comes first. */
static int read_plugins(struct dp_client_cfg *cfg, const char *folder, struct deploy_error *err)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int rc = 0;

	if (!dir && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!dir)
		return deploy_error_set(err, DEPLOY_CONFIG, "%s: %s", folder, strerror(errno));
	while (!rc && (entry = readdir(dir))) {
		char *word = plugin_word(entry->d_name);

		if (word)
			rc = read_plugin(
				cfg, dp_xasprintf("%s/%s", folder, entry->d_name), word, err);
		free(word);
	}
	(void)closedir(dir);
	return rc;
}

/* By key; those of one key stay as they stand in the files. */
static int compare(const void *a, const void *b)
{
	const struct dp_cfg_entry *const *one = a, *const *two = b;
	int by_key = strcmp((*one)->key, (*two)->key);

	return by_key ? by_key : *one < *two ? -1 : *one > *two;
}

static void put_in_order(struct dp_client_cfg *cfg)
{
	cfg->order = dp_xcalloc(cfg->count, sizeof(*cfg->order));
	for (size_t i = 0; i < cfg->count; i++)
		cfg->order[i] = &cfg->entries[i];
	qsort(cfg->order, cfg->count, sizeof(*cfg->order), compare);
}

int dp_client_cfg_read_file(
	struct dp_client_cfg *cfg, const char *path, struct dp_file *file, struct deploy_error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int rc;

	cfg->path = path;
	rc = take_file(cfg, dp_xstrdup(path), NULL, file, err);
	if (rc)
		return rc;
	folder = dp_xasprintf("%.*splugin.d", slash ? (int)(slash - path) + 1 : 0, path);
	rc = read_plugins(cfg, folder, err);
	free(folder);
	if (!rc)
		put_in_order(cfg);
	return rc;
}

int dp_client_cfg_read(struct dp_client_cfg *cfg, const char *path, struct deploy_error *err)
{
	struct dp_file file;
	int rc = dp_file_read(&file, path, err);

	cfg->path = path;
	if (!rc)
		rc = dp_client_cfg_read_file(cfg, path, &file, err);
	dp_file_release(&file);
	return rc;
}

const struct dp_cfg_entry *dp_client_cfg_find(const struct dp_client_cfg *cfg, const char *key)
{
	size_t low = 0, high = cfg->count;

	/* Behind the last one of the key. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(cfg->order[middle]->key, key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || strcmp(cfg->order[low - 1]->key, key) != 0)
		return NULL;
	return cfg->order[low - 1];
}

const char *dp_client_cfg_text(const struct dp_client_cfg *cfg, const char *key, const char *preset)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(cfg, key);

	return entry ? entry->value : preset;
}

int dp_client_cfg_bool(
	const struct dp_client_cfg *cfg, const char *key, bool *out, struct deploy_error *err)
{
	static const char *const words[] = {
		"0", "no", "false", "n", "f", "1", "yes", "true", "y", "t"};
	const struct dp_cfg_entry *entry = dp_client_cfg_find(cfg, key);

	if (!entry)
		return 0;
	for (size_t i = 0; i < 10; i++)
		if (strcasecmp(entry->value, words[i]) == 0) {
			*out = i >= 5;
			return 0;
		}
	return deploy_error_set(err, DEPLOY_CONFIG, "%s:%u: %s is '%s', neither yes nor no",
		entry->path, entry->line, key, entry->value);
}

/* The base that Ruby's prefix names; *text moves behind the prefix. */
static int take_base(const char **text)
{
	const char *at = *text;

	if (at[0] != '0' || at[1] == '\0')
		return 10;
	*text += 2;
	switch (tolower((unsigned char)at[1])) {
	case 'x':
		return 16;
	case 'b':
		return 2;
	case 'o':
		return 8;
	case 'd':
		return 10;
	default:
		*text -= 1;
		return 8;
	}
}

static bool is_digit(char c, int base)
{
	int value = isdigit((unsigned char)c)	 ? c - '0'
		    : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
						 : 16;

	return value < base;
}

/* Underscores may stand between digits only. */
static bool parse_integer(const char *text, long long *out)
{
	char digits[72];
	bool is_negative = *text == '-';
	size_t n = 0;
	int base;

	if (*text == '-' || *text == '+')
		text++;
	base = take_base(&text);
	if (*text == '_' && base == 8 && text[-1] == '0')
		text++;
	for (; *text && n < sizeof(digits) - 1; text++) {
		if (*text == '_' && n && is_digit(text[1], base))
			continue;
		if (!is_digit(*text, base))
			return false;
		digits[n++] = *text;
	}
	digits[n] = '\0';
	if (!n || *text)
		return false;
	errno = 0;
	*out = strtoll(digits, NULL, base);
	if (errno)
		return false;
	if (is_negative)
		*out = -*out;
	return true;
}

int dp_client_cfg_number(const struct dp_client_cfg *cfg, const char *key, long long min,
	long long max, long long *out, struct deploy_error *err)
{
	const struct dp_cfg_entry *entry = dp_client_cfg_find(cfg, key);
	long long number;

	if (!entry)
		return 0;
	if (!parse_integer(entry->value, &number))
		return deploy_error_set(err, DEPLOY_CONFIG, "%s:%u: %s is '%s', no number",
			entry->path, entry->line, key, entry->value);
	if (number < min || number > max)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s:%u: %s is %lld, not within %lld and %lld", entry->path, entry->line,
			key, number, min, max);
	*out = number;
	return 0;
}
