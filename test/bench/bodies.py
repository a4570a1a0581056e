"""Bodies of wanted sizes, made of a delivery as klikit sends it.

@ORDER@ stands where the load generator writes the order's number, of ten
digits: another one in each body. It comes last, so that of a body's signature
only the end has to be computed anew.
"""

import json
import pathlib

PAYLOADS = pathlib.Path(__file__).resolve().parents[1] / "payloads"
SIZES = {"0.3k": 300, "5k": 5120, "40k": 40960}
MARK, DIGITS = "@ORDER@", 10


def _text(order, note):
    """A delivery of that order; the text's length is as it will be sent."""
    order = {**order}
    if note:
        order["comment"] = note
    order["id"] = 0
    text = json.dumps({"brand_id": 910, "branch_id": 2041, "orders": [order]},
                      separators=(",", ":"))
    text = text.replace('"id":0}]}', f'"id":{MARK}}}]}}')
    return text, len(text) - len(MARK) + DIGITS


def make(size):
    """The text of a body of exactly that many bytes."""
    small = json.loads((PAYLOADS / "created-small.json").read_text())
    typical = json.loads((PAYLOADS / "created-typical.json").read_text())
    source = typical["orders"][0]
    order = {"status": 1,
             "updated_at": small["orders"][0].get("updated_at",
                                                  "2026-06-25T09:14:11Z"),
             "external_id": "EXT-1", "cart": []}
    # What a real order has, as long as it fits.
    for key, value in source.items():
        if key != "id" and key not in order and \
                _text({**order, key: value}, "")[1] < size - 16:
            order[key] = value
    while source["cart"]:
        more = order["cart"] + source["cart"][:1]
        if _text({**order, "cart": more}, "")[1] >= size - 16:
            break
        order["cart"] = more
    text, length = _text(order, "")
    if length < size:
        order["comment"] = ""
        _, with_note = _text(order, "x")
        note = "x" * (size - with_note + 1)
        text, length = _text(order, note)
    assert length == size, (length, size)
    return text


def write_all(folder):
    """Returns name -> path of the file with that body."""
    paths = {}
    for name, size in SIZES.items():
        paths[name] = folder / f"body-{name}.json"
        paths[name].write_text(make(size))
    return paths
