/*
 * A subcommand is one file cmd_<name>.c with one entry, struct command cmd_<name>.
 * To add one: write the file, add its name to COMMANDS, run `make docs` (man page and completions
 * are made from the entry); `make test` names what is still missing.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/deploy.h"
#include "exits.h"
#include "opt.h"
#include "out.h"

/* Every command, in the order in which help shows them; each name is spelt here once. */
#define COMMANDS(X)                                                                                \
	X(ping)                                                                                    \
	X(discover)                                                                                \
	X(facts)                                                                                   \
	X(inventory)                                                                               \
	X(status)                                                                                  \
	X(history)                                                                                 \
	X(agent)                                                                                   \
	X(rpc)                                                                                     \
	X(assign_role)                                                                             \
	X(push_facts)                                                                              \
	X(sign_cert)                                                                               \
	X(puppet)                                                                                  \
	X(run_plan)                                                                                \
	X(resume)                                                                                  \
	X(plan)                                                                                    \
	X(cancel)                                                                                  \
	X(lock)                                                                                    \
	X(config)                                                                                  \
	X(doctor)                                                                                  \
	X(completion)                                                                              \
	X(help)                                                                                    \
	X(version)

/* What main prepares before a command runs. */
enum {
	NEED_CONFIG = 1, /* ctx->config */
	NEED_BROKER = 2, /* ctx_bus() may be called; signals are caught */
	/*
	 * ctx->config as far as it is known, with its secrets closed: the command runs also if the
	 * configuration cannot be put together, and err then says why.
	 */
	NEED_SETTINGS = 4
};

struct args {
	int count;
	char **values; /* operands, without the command's name */
};

/* What a command may use; main opens and closes all of it. */
struct ctx {
	struct global_opts global;
	struct deploy_config *config; /* NULL unless needed */
	struct deploy_bus *bus;	      /* NULL until ctx_bus() */
	struct out *out;	      /* stdout */
	int signal_fd; /* for struct deploy_run_options; -1 unless a broker is needed */
	struct deploy_state *state; /* NULL until ctx_state() */
	char *command_line;	    /* as it may be recorded */
	const char *run_id;	    /* of the run that is being recorded; NULL: none is */
};

/*
 * Connect to the broker for a collective, once; main closes. Prints nothing.
 * Errors: those of deploy_bus_open(); DEPLOY_USAGE for a collective that the configuration lacks.
 */
int ctx_bus(struct ctx *ctx, const char *collective, struct deploy_error *err);

/* What the command line says of the configuration. Borrows from global. */
struct deploy_config_options ctx_config_options(
	const struct global_opts *global, bool leaves_secrets);

/*
 * Of a command with NEED_SETTINGS that must ask the broker after all: the configuration is read
 * again, with its secrets. Errors: those of deploy_config_load().
 */
int ctx_open_secrets(struct ctx *ctx, struct deploy_error *err);

/* Errors: DEPLOY_USAGE for a collective that the configuration lacks, with the one meant as hint.
 */
int ctx_check_collective(const struct ctx *ctx, const char *name, struct deploy_error *err);

/* Where it is, borrowed. Errors: NULL and DEPLOY_IO if nothing says that. */
const char *ctx_state_path(const struct ctx *ctx, struct deploy_error *err);

/*
 * Open the state file, once; main closes. Errors: those of deploy_state_open(); DEPLOY_IO if
 * nothing says where it is.
 */
int ctx_state(struct ctx *ctx, bool may_write, struct deploy_error *err);

/*
 * Of a command with NEED_SETTINGS that looks into the state file only: forget what err says of the
 * configuration, a broker that is missing for example, unless it leaves unsaid what state needs.
 */
int ctx_settings(const struct ctx *ctx, struct deploy_error *err);

/* Leave the broker for as long as somebody thinks; ctx_bus() comes back. */
void ctx_leave_bus(struct ctx *ctx);

struct completion;

struct example {
	const char *command; /* as typed, without "$ " */
	const char *text;    /* what it does, one line */
};

/* One of the words that an operand may be, and what it stands for. */
struct choice {
	const char *name, *text;
};

/* The second part of the name tells the rest: the operands' help, and their limits. */
#define ARGS_ANY (-1)
#define OPTS_MAX 4096 /* bytes of a command's options */

struct command {
	const char *name, *also; /* also: another name that is accepted, or NULL */
	const char *group;	 /* group: "observe", "act", "about" */
	const char *summary;	 /* at most 50 characters, no full stop */
	const char *operands;	 /* "AGENT ACTION [KEY=VALUE...]" or ""; FILE is completed */
	const char *description; /* paragraphs separated by an empty line, plain text */
	int min_args, max_args;
	/* What completion offers for the first operand; a NULL name after the last. May be NULL. */
	struct choice (*first_operand)(size_t index);
	/* What completion offers behind these operands, beside that; see completion.h. May be NULL.
	 */
	void (*complete)(struct completion *completion, struct args operands);
	const struct opt *options; /* ends with OPT_END; NULL for none */
	size_t opts_size;	   /* of the struct that the options fill in; at most OPTS_MAX */
	void (*opts_init)(void *opts);	  /* defaults other than zero; may be NULL */
	void (*opts_release)(void *opts); /* frees what options own; may be NULL */
	unsigned needs;
	bool draws; /* it knows -o dot */
	const enum exit_status *exits;	/* the statuses it may return, ends with EXIT_LIST_END */
	const struct example *examples; /* ends with a NULL command */
	/*
	 * Returns an exit status (exits.h). err: filled in on failure; main prints it, and takes
	 * the status that the error means if 0 was returned with it.
	 */
	int (*main)(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err);
};

#define DECLARE_COMMAND(name) extern const struct command cmd_##name;
COMMANDS(DECLARE_COMMAND)

extern const struct command *const commands[]; /* ends with NULL */

/* Errors: NULL and DEPLOY_USAGE, with the command that was probably meant as hint. */
const struct command *command_find(const char *name, struct deploy_error *err);

#endif
