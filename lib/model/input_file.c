/* Reading what people hand to a command. */
#include "model/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

const char *dp_input_name(const char *path)
{
	return is_stdin(path) ? "stdin" : path;
}

int dp_input_read(struct dp_buf *text, const char *path, size_t max_bytes, struct deploy_error *err)
{
	const char *name = dp_input_name(path);
	int fd = is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), rc = 0;

	dp_buf_init(text, max_bytes);
	if (fd < 0)
		return deploy_error_set(err, DEPLOY_NO_INPUT, "%s: %s", name, strerror(errno));
	if (dp_buf_read(text, fd))
		rc = deploy_error_set(err, DEPLOY_NO_INPUT, "%s: %s", name, strerror(errno));
	else if (text->overflow)
		rc = deploy_error_set(
			err, DEPLOY_INPUT, "%s: larger than %zu bytes", name, max_bytes);
	if (!is_stdin(path))
		(void)close(fd);
	return rc;
}
