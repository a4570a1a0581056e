-- The keys of all versions anew: see store/order.h. order_key_renew() is given
-- by schema.c: old key, time, status, event, place. What a row lacks stands in
-- event_orders, as long as its event is there; else the old key has the time.

UPDATE orders SET version_key =
	order_key_renew(version_key, updated_at, status, event, place);
UPDATE carts SET version_key = (
	SELECT order_key_renew(carts.version_key, eo.updated_at, eo.status,
		carts.event, carts.place)
	FROM (SELECT 1) LEFT JOIN event_orders AS eo
	ON eo.event = carts.event AND eo.place = carts.place
);
