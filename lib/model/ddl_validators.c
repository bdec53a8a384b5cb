/* Rules that a DDL calls by name: see ddl_validators.h. A text may hold no NUL. */
#include "model/ddl_validators.h"

#include <string.h>

#define DIGITS	 "0123456789"
#define LOWER	 "abcdefghijklmnopqrstuvwxyz"
#define UPPER	 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX	 DIGITS "abcdefABCDEF"
#define WORD	 LOWER UPPER DIGITS "_"
#define V6_PARTS 8

/* A piece of text. */
struct piece {
	const char *at, *end;
};

static bool is_in(char c, const char *bytes)
{
	return c && strchr(bytes, c);
}

static bool is_made_of(struct piece p, const char *bytes)
{
	for (; p.at < p.end; p.at++)
		if (!is_in(*p.at, bytes))
			return false;
	return true;
}

static bool is_empty(struct piece p)
{
	return p.at == p.end;
}

/* Cut p at the first byte that is c: what is in front; p is what is behind. False: there is none.
 */
static bool cut(struct piece *front, struct piece *p, char c)
{
	const char *at = memchr(p->at, c, (size_t)(p->end - p->at));

	*front = (struct piece){p->at, at ? at : p->end};
	p->at = at ? at + 1 : p->end;
	return at != NULL;
}

/* The number that p is written as, 1000 for one that is larger than any address has. */
static unsigned number(struct piece p)
{
	unsigned value = 0;

	for (; p.at < p.end; p.at++)
		value = value > 999 ? 1000 : value * 10 + (unsigned)(*p.at - '0');
	return value > 999 ? 1000 : value;
}

static bool shellsafe(struct piece p)
{
	for (const char *at = p.at; at < p.end; at++)
		if (is_in(*at, "`$;|><") || (*at == '&' && at + 1 < p.end && at[1] == '&'))
			return false;
	return true;
}

/* Addresses, as Ruby's IPAddr reads them. */

static bool is_v4(struct piece p)
{
	struct piece part;

	for (int i = 0; i < 4; i++) {
		if (cut(&part, &p, '.') != (i < 3) || is_empty(part) || !is_made_of(part, DIGITS) ||
			number(part) > 255 || (part.end - part.at > 1 && *part.at == '0'))
			return false;
	}
	return true;
}

/* Count the groups of "1:2:3", none in an empty text; a last one that is an IPv4 address is two.
 * -1: malformed. */
static int count_groups(struct piece p, bool may_end_in_v4)
{
	struct piece part;
	int count = 0;
	bool goes_on = !is_empty(p);

	while (goes_on) {
		goes_on = cut(&part, &p, ':');
		if (!goes_on && may_end_in_v4 && is_v4(part)) {
			count += 2;
		} else if (is_empty(part) || part.end - part.at > 4 || !is_made_of(part, HEX)) {
			return -1;
		} else {
			count++;
		}
		if (count > V6_PARTS + 1)
			return -1;
	}
	return count;
}

static const char *find_gap(struct piece p)
{
	for (; p.end - p.at >= 2; p.at++)
		if (p.at[0] == ':' && p.at[1] == ':')
			return p.at;
	return NULL;
}

static bool is_v6(struct piece p)
{
	const char *gap = find_gap(p);
	int before, after;

	if (!gap)
		return count_groups(p, true) == V6_PARTS;
	before = count_groups((struct piece){p.at, gap}, false);
	after = count_groups((struct piece){gap + 2, p.end}, true);
	/* :: stands for a group at least; in front of a last IPv4 address, if nothing is in
	 * front of it, Ruby wants two. */
	return before >= 0 && after >= 0 &&
	       before + after <=
		       V6_PARTS - (before == 0 && memchr(gap, '.', (size_t)(p.end - gap)) ? 2 : 1);
}

/* Ruby's "[…]" and "%zone" around an address make it one of IPv6. */
static struct piece unwrap_v6(struct piece p)
{
	const char *at;

	if (p.end - p.at >= 2 && *p.at == '[' && p.end[-1] == ']')
		p = (struct piece){p.at + 1, p.end - 1};
	for (at = p.end; at > p.at && is_in(at[-1], WORD); at--)
		continue;
	if (at < p.end && at > p.at && at[-1] == '%')
		p.end = at - 1;
	return p;
}

/* Behind the slash: a length without zeros in front, or a mask whose ones are in front. */
static bool is_v4_mask(struct piece p)
{
	unsigned long long mask = 0;
	struct piece part;

	if (is_made_of(p, DIGITS))
		return !is_empty(p) && number(p) <= 32 && (*p.at != '0' || p.end - p.at == 1);
	if (!is_v4(p))
		return false;
	for (int i = 0; i < 4; i++) {
		(void)cut(&part, &p, '.');
		mask = mask << 8 | number(part);
	}
	mask ^= 0xffffffff;
	return ((mask + 1) & mask) == 0;
}

/* A mask may also be written as an address; whether its ones are in front is left to nodes. */
static bool is_v6_length(struct piece p)
{
	if (is_v6(p))
		return true;
	return !is_empty(p) && is_made_of(p, DIGITS) && number(p) <= 128 &&
	       (*p.at != '0' || p.end - p.at == 1);
}

static bool ipv4address(struct piece p)
{
	struct piece address;
	bool has_mask = cut(&address, &p, '/');

	return is_v4(address) && (!has_mask || is_v4_mask(p));
}

static bool ipv6address(struct piece p)
{
	struct piece address;
	bool has_length = cut(&address, &p, '/');

	return is_v6(unwrap_v6(address)) && (!has_length || is_v6_length(p));
}

/* Names of the agents puppet, service and bolt_tasks. */

static bool service_name(struct piece p)
{
	return !is_empty(p) && is_made_of(p, LOWER UPPER DIGITS ".-_:@");
}

static bool puppet_variable(struct piece p)
{
	return !is_empty(p) && is_made_of(p, WORD) &&
	       (p.end - p.at > 1 || is_in(*p.at, LOWER UPPER));
}

static bool puppet_tag(struct piece p)
{
	const char *gap;

	while ((gap = find_gap(p))) {
		if (!puppet_variable((struct piece){p.at, gap}))
			return false;
		p.at = gap + 2;
	}
	return puppet_variable(p);
}

static bool puppet_tags(struct piece p)
{
	struct piece tag;
	bool goes_on = true;

	while (goes_on) {
		goes_on = cut(&tag, &p, ',');
		if (!puppet_tag(tag))
			return false;
	}
	return true;
}

static bool is_hostname(struct piece p)
{
	struct piece label;
	bool goes_on = true;

	while (goes_on) {
		goes_on = cut(&label, &p, '.');
		if (is_empty(label) || !is_made_of(label, LOWER UPPER DIGITS "-_") ||
			*label.at == '-' || label.end[-1] == '-')
			return false;
	}
	return true;
}

static bool puppet_server_address(struct piece p)
{
	struct piece host = p;

	if (!shellsafe(p))
		return false;
	if (is_v6(p))
		return true;
	if (!is_empty(p) && *p.at == '[') {
		p.at++;
		return cut(&host, &p, ']') && is_v6(host) &&
		       (is_empty(p) ||
			       (*p.at == ':' && p.end - p.at > 1 &&
				       is_made_of((struct piece){p.at + 1, p.end}, DIGITS)));
	}
	if (cut(&host, &p, ':') && (is_empty(p) || !is_made_of(p, DIGITS)))
		return false;
	return is_hostname(host);
}

static bool puppet_resource(struct piece p)
{
	struct piece type;

	if (p.end > p.at && p.end[-1] == '\n')
		p.end--;
	return cut(&type, &p, '[') && !is_empty(type) && is_made_of(type, WORD) &&
	       p.end - p.at >= 2 && p.end[-1] == ']' && !memchr(p.at, '\n', (size_t)(p.end - p.at));
}

static bool is_task_part(struct piece p)
{
	return !is_empty(p) && is_in(*p.at, LOWER) && is_made_of(p, LOWER DIGITS "_");
}

static bool bolt_task_name(struct piece p)
{
	const char *gap;
	bool is_first = true;

	if (p.end > p.at && p.end[-1] == '\n')
		p.end--;
	/* The first part may be missing: "::name". */
	for (; (gap = find_gap(p)); p.at = gap + 2, is_first = false)
		if (!is_task_part((struct piece){p.at, gap}) && !(is_first && gap == p.at))
			return false;
	return is_task_part(p) || (is_first && is_empty(p));
}

static const struct validator {
	const char *name;
	bool (*holds)(struct piece p);
} validators[] = {
	{"shellsafe", shellsafe},
	{"ipv4address", ipv4address},
	{"ipv6address", ipv6address},
	{"service_name", service_name},
	{"puppet_variable", puppet_variable},
	{"puppet_tags", puppet_tags},
	{"puppet_server_address", puppet_server_address},
	{"puppet_resource", puppet_resource},
	{"bolt_task_name", bolt_task_name},
};

static const struct validator *find(const char *name)
{
	for (size_t i = 0; i < sizeof(validators) / sizeof(validators[0]); i++)
		if (strcmp(validators[i].name, name) == 0)
			return &validators[i];
	return NULL;
}

bool dp_validator_is_known(const char *name)
{
	return find(name) != NULL;
}

bool dp_validator_holds(const char *name, const char *text, size_t len)
{
	const struct validator *validator = find(name);

	return validator && validator->holds((struct piece){text, text + len});
}
