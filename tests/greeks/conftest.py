"""Everything about the mathematics holds for each of its arithmetics."""

from collections.abc import Iterator

import pytest

from bot.wiring.kernels import _folder
from greeks import path


@pytest.fixture(autouse=True, params=path.available())
def kernels(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test on these kernels; return their name."""
    yield path.use(request.param, cache=_folder())
    path.use(path.PLAIN)
