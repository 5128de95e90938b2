"""The house style that no linter measures: opening docstrings, lengths and names of files."""

import ast
from pathlib import Path

import pytest

from tests.architecture.rules import PACKAGES

TOP = Path(__file__).parents[2]
MODULES = sorted(path for package in PACKAGES for path in (TOP / package).rglob("*.py"))
CEILING = {"bot": 350, "config": 350, "greeks": 400}
NAMELESS = {"base", "common", "handler", "helper", "manager", "misc", "tool", "util"}

every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))


@every_module
def test_module_opens_with_what_it_owns(path):
    """A module's docstring says what it is for."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring is not None


@every_module
def test_module_is_short_enough_to_be_one_concept(path):
    """A file past its ceiling hides a room."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= CEILING[path.relative_to(TOP).parts[0]]


@every_module
def test_module_is_named_after_the_noun_it_owns(path):
    """A name that could hold anything will."""
    parts = path.relative_to(TOP).with_suffix("").parts
    assert not NAMELESS & {part.removesuffix("s") for part in parts}
