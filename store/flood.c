/* Of duplicates so many are noted at once, and then one a second. */
#include "store/flood.h"

#define FLOOD_MAX 1024

int64_t
flood_left(struct flood *f, int64_t now_ms)
{
	if (f->at_ms == 0)
		f->left = FLOOD_MAX;
	else if (now_ms >= f->at_ms + 1000)
		f->left += (now_ms - f->at_ms) / 1000;
	else if (now_ms >= f->at_ms) /* the same second still */
		return (f->left);
	if (f->left > FLOOD_MAX)
		f->left = FLOOD_MAX;
	f->at_ms = now_ms;
	return (f->left);
}
