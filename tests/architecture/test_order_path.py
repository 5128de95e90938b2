"""One way to a real order: who may write an order's words, make the lane, and ask for one."""

import ast
import re
from pathlib import Path

from tests.architecture.rules import PACKAGES

TOP = Path(__file__).parents[2]
LANE = "bot/venues/deribit/orders.py"
CANCELLER = "bot/venues/deribit/canceller.py"
SERVED = "bot/sim/wire/"  # the other side: our own exchange answers these words
ORDERS = re.compile(r"private/(buy|sell|edit|cancel|close|move)\w*")
PLACING = re.compile(
    r"(private_(get|post)_(buy|sell|edit|cancel|close)\w*"
    r"|(create|edit|cancel)(_\w+)?_orders?(_ws|_after|_for_symbols)?"
    r"|(create|edit|cancel)\w*Orders?(Ws)?)"
)


def writers(tree):
    """Yield every piece of code that names a venue's method of orders: its text and what it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if ORDERS.fullmatch(node.value):
                yield node.value, "words"
        elif isinstance(node, ast.Attribute) and PLACING.fullmatch(node.attr):
            yield node.attr, "call"


def calls(tree):
    """Yield every call: the name of what is called and its keyword arguments that are true."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            said = {
                one.arg
                for one in node.keywords
                if not (isinstance(one.value, ast.Constant) and not one.value.value)
            }
            yield name, said


def shipped():
    """Yield every module that ships: its path and its syntax tree."""
    for package in PACKAGES:
        for path in sorted((TOP / package).rglob("*.py")):
            yield str(path.relative_to(TOP)), ast.parse(path.read_text(encoding="utf-8"))


def test_only_the_lane_writes_an_order():
    """No other module has the words, and none calls ccxt's own methods of orders.

    One more can cancel: it stops a bot from outside, and has the word for that alone.
    """
    found = {
        (path, text)
        for path, tree in shipped()
        if not path.startswith(SERVED)
        for text, kind in writers(tree)
        if kind == "call" or path != LANE
    }
    assert found == {(CANCELLER, "private/cancel")}


def test_the_lane_is_made_in_one_place_and_asked_for_in_one():
    """The private side makes it; the graph of `run` alone asks for it; the rest hands on."""
    made, asked = [], []
    for path, tree in shipped():
        for name, said in calls(tree):
            if name == "OrderLane":
                made.append(path)
            if name in {"DeribitVenue", "PrivateSide"} and "orders" in said:
                asked.append((path, name))
    assert made == ["bot/venues/deribit/private.py"]
    assert sorted(asked) == [
        ("bot/venues/deribit/venue.py", "PrivateSide"),
        ("bot/wiring/live.py", "DeribitVenue"),
    ]


def test_what_is_looked_for_is_found():
    """Each way round the lane that the two tests above must see."""
    ways = {
        'call("private/buy", {})': ["private/buy"],
        'x = "private/close_position"': ["private/close_position"],
        'x = "private/cancel_all_by_instrument"': ["private/cancel_all_by_instrument"],
        "exchange.private_get_sell({})": ["private_get_sell"],
        "exchange.create_order(1)": ["create_order"],
        "exchange.create_market_sell_order(1)": ["create_market_sell_order"],
        "exchange.createOrder(1)": ["createOrder"],
        "exchange.edit_order(1)": ["edit_order"],
        "exchange.cancel_all_orders_after(1)": ["cancel_all_orders_after"],
        "exchange.private_get_get_open_orders()": [],
        'x = "private/get_positions"': [],
    }
    for source, expected in ways.items():
        assert [text for text, _ in writers(ast.parse(source))] == expected, source
    assert list(calls(ast.parse("DeribitVenue(a, orders=False)"))) == [("DeribitVenue", set())]
    assert list(calls(ast.parse("DeribitVenue(a, orders=x)"))) == [("DeribitVenue", {"orders"})]
