"""These rooms take prices from the kernels and have none of their own: one arithmetic is enough."""

import pytest

from greeks import arithmetic


@pytest.fixture(autouse=True)
def kernels() -> str:
    """Run the test on numpy's kernels; return their name."""
    return arithmetic.use(arithmetic.PLAIN)
