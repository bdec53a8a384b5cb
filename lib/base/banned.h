/* Force-included everywhere: functions that overflow, are not reentrant, or hide their errors. */
#ifndef DP_BANNED_H
#define DP_BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The C library may make macros of these, which cannot be poisoned. */
#undef sprintf
#undef vsprintf
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef strdup
#undef strndup

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gmtime localtime ctime
#pragma GCC poison asctime atoi atol gets system popen alloca
#ifndef DP_MAY_ALLOCATE
#pragma GCC poison malloc calloc realloc strdup strndup
#endif

#endif
