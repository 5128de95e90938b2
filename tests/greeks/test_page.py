"""The page about the mathematics: its examples run as they stand there."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from greeks import arithmetic

PAGE = Path(__file__).parents[2] / "docs" / "greeks.md"


def test_the_examples_of_the_page_run_and_agree_with_each_other(kernels, monkeypatch):
    """In their order, as a reader would paste them."""
    monkeypatch.setattr(arithmetic, "use", lambda *_, **__: kernels)  # already chosen
    shown: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        exec(block, shown)
    np.testing.assert_allclose(shown["vol"], 0.60, rtol=1e-12)
    assert (shown["status"] == 0).all()
    assert shown["coin"].net_delta < -0.5
    assert shown["found"].value.shape == (3, 1, 1)
    assert shown["found"].value.argmax() == 1  # a short straddle is best where it is
    assert 0.545 < shown["between"] < 0.56
    assert (shown["fitted"].verdict == 0).all()
    assert round(float(shown["thirty_days"]), 6) == 6.147566
    assert shown["drawn"].price.shape == (721, 2_000)
    assert abs(shown["drawn"].price[-1].mean() - 100.0) < 0.5
