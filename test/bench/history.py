"""A store as 40 branches leave it after 30 days: what lists are asked of.

Three of ten events are carts, three are new orders, four are statuses; those
of one order lie minutes apart, with others' between. Two handlers: orders has
done all, pos has dead jobs of the last ten days, and is paused with some that
wait. And of each kind something of which there is very little, long ago: what
a list has to look far for.
"""

import fill

DAY_MS = 24 * 3600 * 1000
DAYS = 30
BODIES_LARGE = 40000  # the newest have one of 5 KB, the others of 0.3
RARE_TYPE, RARE_BRANCH = "klikit.order.refunded.v1", "2999"
RARE_EVENT, RARE_EXTERNAL = "zz-once-only", "ONCE-7"

# Event i carries order o. Statuses of groups that began long before.
NUMBERS = """
CREATE TEMP TABLE numbers AS
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
SELECT i, i % 10 AS k, abs(CASE WHEN i % 10 < 3 THEN i / 10 * 3 + i % 10
    WHEN i % 10 < 6 THEN (i / 10 - 30) * 3 + i % 10 - 3
    WHEN i % 10 < 9 THEN (i / 10 - 60) * 3 + i % 10 - 6
    ELSE (i / 10 - 80) * 3 END) AS o FROM n
"""

EVENTS = """
INSERT INTO events (id, event_id, type, brand, branch, signature, secret, peer,
    received_at, came_at, body_size)
SELECT i, CASE i WHEN 1003 THEN '@EVENT@' ELSE
        lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' ||
        hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' ||
        hex(randomblob(6))) END,
    CASE WHEN i IN (1009, 200009, 400009) THEN '@TYPE@'
        WHEN k < 3 THEN 'klikit.order.cart.updated.v2'
        WHEN k < 6 THEN 'klikit.order.created.v2'
        ELSE 'klikit.order.status.updated.v2' END,
    CAST(910 + o % 4 AS TEXT), CASE WHEN o IN (700, 900) THEN '@BRANCH@'
        ELSE CAST(2010 + o * 37 % 40 AS TEXT) END,
    randomblob(32), 'default', '127.0.0.1:40000',
    ?2 - (?1 - i) * ?3, ?2 - (?1 - i) * ?3, ?4 FROM numbers
"""

EVENT_ORDERS = """
INSERT INTO event_orders (event, place, order_id, status, updated_at,
    external_id)
SELECT i, 0, CAST(4000000000 + o * 7 AS TEXT),
    CASE WHEN k < 6 THEN '1' WHEN o % 10007 = 5 OR k < 9 AND o % 3 = 0
        THEN '2' ELSE '9' END, '2026-06-25T09:14:11Z',
    CASE i WHEN 1003 THEN '@EXTERNAL@' ELSE 'EXT-' || o END FROM numbers
"""

BODIES = """
INSERT INTO bodies (event, body)
SELECT i, CAST(replace(CASE WHEN i > ?3 THEN ?2 ELSE ?1 END, '@ORDER@',
    4000000000 + o * 7) AS BLOB) FROM numbers
"""

# pos gets new orders only: of a group of ten events three.
JOBS = """
INSERT INTO jobs (event, place, handler, state, attempts, behind, finished_at,
    outcome, ordered)
SELECT i, -1, h, state, CASE state WHEN 'ready' THEN 0 WHEN 'dead' THEN 5
        ELSE 1 END, 0, CASE state WHEN 'ready' THEN NULL
        ELSE ?2 - (?1 - i) * ?3 + 200 END,
    CASE state WHEN 'done' THEN 'done' WHEN 'dead' THEN
        'the far side answered 400' END, 1
FROM (SELECT i, h.id AS h, CASE
    WHEN h.name = 'pos' AND i > ?1 - 600 THEN 'ready'
    WHEN h.name = 'pos' AND i > ?1 * 2 / 3 AND i % 150 = 3
        OR h.name = 'orders' AND i IN (5003, 6003, 7003, 8003, 9003)
        THEN 'dead' ELSE 'done' END AS state
    FROM numbers CROSS JOIN handlers AS h
    WHERE h.name = 'orders' OR h.name = 'pos' AND k BETWEEN 3 AND 5)
ORDER BY i, h
"""

ATTEMPTS = """
INSERT INTO attempts (job, number, started_at, duration, outcome, code, detail)
SELECT j.id, n.value, j.finished_at - 200, 180,
    CASE WHEN n.value < j.attempts OR j.state = 'dead' THEN
        'the far side answered 400' ELSE 'done' END,
    CASE WHEN n.value < j.attempts OR j.state = 'dead' THEN 400 ELSE 200 END,
    NULL
FROM jobs AS j JOIN json_each('[1,2,3,4,5]') AS n ON n.value <= j.attempts
WHERE j.handler = (SELECT id FROM handlers WHERE name = 'pos')
ORDER BY 1, 2
"""

RECORDS = """
INSERT INTO orders (order_id, brand, branch, external_id, status, updated_at,
    version_key, event, place)
SELECT eo.order_id, e.brand, e.branch, eo.external_id, eo.status,
    eo.updated_at, x'00', e.id, 0
FROM (SELECT o, max(i) AS i FROM numbers WHERE k >= 3 GROUP BY o) AS n
CROSS JOIN events AS e ON e.id = n.i
CROSS JOIN event_orders AS eo ON eo.event = n.i ORDER BY eo.order_id
"""

CARTS = """
INSERT INTO carts (order_id, version_key, event, place)
SELECT CAST(4000000000 + o * 7 AS TEXT), x'00', max(i), 0 FROM numbers
WHERE k < 3 GROUP BY o ORDER BY 1
"""

# Alarms of pos' newest jobs that waited too long: the last five still ring.
ALARMS = """
INSERT INTO jobs (event, place, handler, state, attempts, behind, finished_at,
    outcome, guards, acknowledged_at, acknowledged_by)
SELECT event, -1, handler, 'done', 1, 0, finished_at, 'done', id,
    iif(row_number() OVER (ORDER BY id DESC) > 5, finished_at, NULL), 'Ani'
FROM jobs WHERE state = 'dead' ORDER BY id DESC LIMIT 300
"""

REJECTIONS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
INSERT INTO rejections (at, came_at, peer, cause, code, diagnosis, headers,
    size, body, class, last_at, repeats)
SELECT ?1 - (900 - i) * 60000, ?1 - (900 - i) * 60000, '203.0.113.' || i % 200,
    CASE WHEN i % 7 = 0 THEN 'invalid_json' ELSE 'bad_signature' END,
    CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN 'reserialized'
    ELSE 'wrong_secret' END, 'it was made with another secret',
    'Content-Type: application/json', 1024, randomblob(1024), i % 3, NULL, i % 5
FROM n
"""

COUNTS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2),
names (kind, name) AS (SELECT 'intake', '' UNION ALL
    SELECT 'handler', name FROM handlers UNION ALL
    SELECT 'branch', CAST(2010 + value AS TEXT)
    FROM json_each('[' || ?4 || ']'))
INSERT INTO counts (step, at, kind, name, numbers, peak)
SELECT ?1, (?3 / ?1 - i) * ?1, kind, name, CASE kind
    WHEN 'handler' THEN '23 1 0 0 0 0 1 5 9 3' WHEN 'intake' THEN '60 23 1 2'
    ELSE '3' END, 12 FROM n CROSS JOIN names
"""


def store(path, count, bodies, now_ms):
    """Fill the empty store at path, whose handlers orders and pos are known."""
    db = fill._open(path)
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute("BEGIN")
    step = DAYS * DAY_MS // count
    times = (count, now_ms, step)
    texts = EVENTS
    for mark, text in (("@EVENT@", RARE_EVENT), ("@TYPE@", RARE_TYPE),
                       ("@BRANCH@", RARE_BRANCH)):
        texts = texts.replace(mark, text)
    db.execute(NUMBERS, (count,))
    db.execute(texts, (*times, len(bodies[0])))
    db.execute(EVENT_ORDERS.replace("@EXTERNAL@", RARE_EXTERNAL))
    db.execute(BODIES, (*bodies, count - BODIES_LARGE))
    db.execute(JOBS, times)
    for sql in (ATTEMPTS, RECORDS, CARTS, ALARMS):
        db.execute(sql)
    db.execute(fill.LANES)
    db.execute(REJECTIONS, (now_ms,))
    branches = ",".join(map(str, range(40)))
    db.execute(COUNTS, (3600000, DAYS * 24 - 1, now_ms, branches))
    db.execute(COUNTS, (60000, 24 * 60 - 1, now_ms, ""))
    db.execute("UPDATE handlers SET paused_at = ?, paused_by = 'operator', "
               "paused_why = 'the bench' WHERE name = 'pos'", (now_ms,))
    db.execute("COMMIT")
    fill._close(db, path)
