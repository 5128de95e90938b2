"""The scripts under .ci, loaded as modules."""

import importlib.util
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


def load(name):
    """Load one script without running its main."""
    spec = importlib.util.spec_from_file_location(name, TOP / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def readme():
    """Return the script that runs what README.md shows."""
    return load("readme")


@pytest.fixture(scope="session")
def rehearse_image():
    """Return the script that carries out the Dockerfile."""
    return load("rehearse_image")
