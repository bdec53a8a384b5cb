/* Counted as jansson 2.14 lays them out on 64 bits, with what malloc adds. */
#include "model/value.h"

#include <stdint.h>
#include <string.h>

#define VALUE_BYTES  32
#define OBJECT_BYTES 250 /* an empty one has a table already */
#define ARRAY_BYTES  112 /* … of eight places */
#define PAIR_BYTES   80

static size_t object_bytes(const json_t *object)
{
	size_t bytes = OBJECT_BYTES;
	const char *key;
	json_t *member;

	/* jansson's iteration takes no const; it changes nothing. */
	json_object_foreach((json_t *)(uintptr_t)object, key, member) bytes +=
		PAIR_BYTES + strlen(key) + dp_value_bytes(member);
	return bytes;
}

size_t dp_value_bytes(const json_t *value)
{
	size_t bytes = VALUE_BYTES;

	if (json_is_string(value))
		return bytes + VALUE_BYTES + json_string_length(value);
	if (json_is_object(value))
		return object_bytes(value);
	if (!json_is_array(value))
		return bytes;
	bytes += ARRAY_BYTES;
	for (size_t i = 0; i < json_array_size(value); i++)
		bytes += sizeof(value) + dp_value_bytes(json_array_get(value, i));
	return bytes;
}
