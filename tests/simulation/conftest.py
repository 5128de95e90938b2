"""Long runs first, and those that a module shares in one process."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Begin with what takes longest; a run that several tests look at is made by one worker."""
    here = [item for item in items if HERE in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))
    rest = [item for item in items if HERE not in item.path.parents]
    items[:] = here + rest
