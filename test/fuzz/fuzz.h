/*
 * fuzz.h -- what every fuzz target defines.
 *
 * A target is one file, fuzz_<module>.c, and its seeds lie in
 * corpus/<module>/. Ordinary builds link it with replay.c, which runs the
 * seeds as a test; with -Dfuzz=enabled libFuzzer takes the place of replay.c.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Feed the module one input; abort if it breaks a promise. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* TEST_FUZZ_FUZZ_H */
