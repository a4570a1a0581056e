/*
 * order_body.h -- the body that carries one order of an event.
 *
 * Pure: bytes in, bytes out. Nothing is parsed to a tree and printed anew:
 * what is taken from the event's body is taken byte for byte.
 */
#ifndef HANDLERS_ORDER_BODY_H
#define HANDLERS_ORDER_BODY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Make {"brand_id":...,"branch_id":...,"orders":[...]} of the element at place
 * of the array `orders' of body, and of its brand_id and branch_id; one of
 * these that body has not is left out. As in the envelope, the first of keys
 * that stand twice counts, and keys are compared as they are written. Returns
 * 0, and *ret_body (from malloc, *ret_len bytes) is owned by the caller; -1 and
 * errno ENOENT if there is no such element, or ENOMEM. Any bytes are taken; for
 * what is not well-formed JSON the result need not be so either.
 */
int order_body_cut(const void *body, size_t body_len, int32_t place,
    void **ret_body, size_t *ret_len);

#endif /* HANDLERS_ORDER_BODY_H */
