#include "server/dispatch/call_time.h"

const int64_t call_time_bounds_us[CALL_TIME_BOUNDS] = { 1000, 2000, 5000, 10000,
	20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000,
	10000000, 20000000, 60000000 };

void
call_time_init(struct histogram *h)
{
	histogram_init(h, call_time_bounds_us, CALL_TIME_BOUNDS);
}
