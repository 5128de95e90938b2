"""Everything about the mathematics holds for each of its arithmetics."""

from collections.abc import Iterator

import pytest

from bot.wiring.kernels import _folder
from greeks import arithmetic


@pytest.fixture(autouse=True, params=arithmetic.available())
def kernels(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test on these kernels; return their name."""
    yield arithmetic.use(request.param, cache=_folder())
    arithmetic.use(arithmetic.PLAIN)
