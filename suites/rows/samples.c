/* SPDX-License-Identifier: Apache-2.0 */
/* samples.c - each row of the call table with its sample. A row without one does not link. */
#include "sample.h"

#define CALL(ret, name, ...) extern const struct sample sample_##name;
#define ALIAS CALL
#include "calls.def"
#undef CALL
#undef ALIAS

#define CALL(ret, name, ...) [CALL_##name] = &sample_##name,
#define ALIAS CALL
const struct sample *const samples[CALL_N] = {
#include "calls.def"
};
