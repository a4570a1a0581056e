/* Order and cart rows: each is the greatest version seen, whole. */
#include "store/sqlite/sqlite.h"

static int
orders_write_cart(struct db *db, const struct store_write *w)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_CART_UPSERT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, w->order->order_id);
	(void)sqlite3_bind_blob(st, 2, w->key, sizeof(w->key), SQLITE_STATIC);
	(void)sqlite3_bind_int64(st, 3, w->event);
	(void)sqlite3_bind_int64(st, 4, w->place);
	db_bind_text(st, 5, w->scope != NULL ? w->scope : "");
	return (db_run(db, st));
}

int
orders_write(struct db *db, const struct store_write *w)
{
	const struct store_order *o = w->order;
	sqlite3_stmt *st;

	if (w->table == STORE_CARTS)
		return (orders_write_cart(db, w));
	if ((st = db_stmt(db, SQL_ORDER_UPSERT)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	db_bind_text(st, 1, o->order_id);
	db_bind_text(st, 2, w->brand);
	db_bind_text(st, 3, w->branch);
	db_bind_text(st, 4, o->external_id);
	db_bind_text(st, 5, o->status);
	db_bind_text(st, 6, o->updated_at);
	(void)sqlite3_bind_blob(st, 7, w->key, sizeof(w->key), SQLITE_STATIC);
	(void)sqlite3_bind_int64(st, 8, w->event);
	(void)sqlite3_bind_int64(st, 9, w->place);
	db_bind_text(st, 10, w->scope != NULL ? w->scope : "");
	return (db_run(db, st));
}
