/* cmocka.h with what it wants included before. */
#ifndef TEST_LIB_CMOCKA_ALL_H
#define TEST_LIB_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif /* TEST_LIB_CMOCKA_ALL_H */
