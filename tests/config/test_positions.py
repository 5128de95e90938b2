"""A book as a CSV file: what is read, and the line of what is not."""

from decimal import Decimal

import pytest

from config import ConfigError, Origin, load

UNDERLYING = """
[underlying.BTC]
numeraire = "coin"
collateral_delta = "include"
delta = { upper = 0.1, lower = -0.1 }
"""


def loaded(folder, rows, *sets):
    """Load a settings file beside a CSV file of these rows."""
    (folder / "book.csv").write_text(rows, encoding="utf-8")
    toml = folder / "book.toml"
    toml.write_text(f"{UNDERLYING}[paper]\npositions_csv = 'book.csv'\n", encoding="utf-8")
    return load([toml], sets, {})


def test_rows_become_positions(tmp_path):
    """Comments and empty lines are skipped, empty tags are absent, columns stand in any order."""
    text = (
        "\ufeffQuantity, instrument,tag\n# the straddle\n-1.5,BTC-30JAN26-90000-C,short\n\n"
        "-1.5,BTC-30JAN26-90000-P,\n20000,BTC-PERPETUAL,\n"
    )
    book = loaded(tmp_path, text)
    assert [(row.instrument, row.quantity, row.tag) for row in book.settings.paper.position] == [
        ("BTC-30JAN26-90000-C", Decimal("-1.5"), "short"),
        ("BTC-30JAN26-90000-P", Decimal("-1.5"), "book"),
        ("BTC-PERPETUAL", Decimal(20000), "book"),
    ]
    assert book.origin["paper.position"] == Origin("file", str(tmp_path / "book.csv"))


@pytest.mark.parametrize(
    "row, problem",
    [
        ("BTC-30JAN26-90000-C,x,", 'quantity: expected a number, found "x"'),
        ("BTC-30JAN26-90000-C,,", 'quantity: expected a number, found ""'),
        ("BTC-30JAN26-90000-C,0,", "quantity: expected a quantity other than zero, found 0"),
        (
            "BTC-30JAN26-90000-C,NaN,",
            (
                "quantity: expected a finite number in coin, or usd if inverse, >= -1e+12 and <= "
                "1e+12, found NaN"
            ),
        ),
        ("BTC-30JAN26-90000-C,1", "expected 3 cells (instrument,quantity,tag), found 2"),
        ("BTC-30JAN26-90000-C,1,a,b", "expected 3 cells (instrument,quantity,tag), found 4"),
        (
            "BTC-30FOO26,1,",
            (
                "instrument: expected an instrument such as BTC-PERPETUAL, BTC-30JAN26 or "
                'BTC-30JAN26-90000-C, found "BTC-30FOO26", whose expiry is no date'
            ),
        ),
        ("BTC-PERPETUAL,1,", 'instrument: expected each one once, found "BTC-PERPETUAL" again'),
    ],
)
def test_a_faulty_row_is_named_by_its_line(tmp_path, row, problem):
    """Line, column, expectation and finding."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"instrument,quantity,tag\nBTC-PERPETUAL,10,\n{row}\n")
    assert str(caught.value) == f"{problem} [file {tmp_path}/book.csv, line 3]"


@pytest.mark.parametrize(
    "text, problem",
    [
        (
            "name,quantity\nBTC-PERPETUAL,1\n",
            (
                'expected the columns instrument,quantity[,tag[,account]], found "name,quantity" '
                "[file {}, line 1]"
            ),
        ),
        ("", "expected at least one position, found none [file {}]"),
        ("instrument,quantity\n", "expected at least one position, found none [file {}]"),
        (
            'instrument,quantity\n"BTC-PERPETUAL,1\n',
            "expected valid CSV, found unexpected end of data [file {}, line 2]",
        ),
    ],
)
def test_a_faulty_file_is_refused_as_a_whole(tmp_path, text, problem):
    """Wrong columns, no rows and open quotes."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert str(caught.value) == problem.format(tmp_path / "book.csv")


def test_a_file_that_is_not_there_is_named(tmp_path):
    """The key that named it is told, and who set it."""
    with pytest.raises(ConfigError) as caught:
        load((), [f"paper.positions_csv={tmp_path}/none.csv"], {}, profile="demo")
    assert str(caught.value) == (
        f"paper.positions_csv: expected a readable CSV file, found {tmp_path}/none.csv: "
        "No such file or directory [--set paper.positions_csv]"
    )


def test_a_later_layer_replaces_the_book_whichever_way_it_is_given(tmp_path):
    """A file of positions beats earlier tables, and tables beat an earlier file."""
    rows = 'paper.position=[{instrument="BTC-PERPETUAL", quantity=10}]'
    book = loaded(tmp_path, "instrument,quantity\nBTC-30JAN26,-10\n", rows).settings.paper
    assert [row.instrument for row in book.position] == ["BTC-PERPETUAL"]
    assert book.positions_csv is None
    named = [f"paper.positions_csv={tmp_path}/book.csv"]
    demo = load((), named, {}, profile="demo").settings.paper
    assert [row.instrument for row in demo.position] == ["BTC-30JAN26"]


def test_both_ways_in_one_layer_are_refused(tmp_path):
    """Nobody can tell which book was meant."""
    (tmp_path / "book.csv").write_text("instrument,quantity\nBTC-30JAN26,-10\n", encoding="utf-8")
    rows = 'paper.position=[{instrument="BTC-PERPETUAL", quantity=10}]'
    named = f"paper.positions_csv={tmp_path}/book.csv"
    with pytest.raises(ConfigError, match=r"either paper.position or paper.positions_csv"):
        load((), [rows, named], {}, profile="demo")
