"""Wrong usage in the words of the house: what was expected, what was found, where help is.

Owns the translation of the parser's own messages. One that is not known here passes unchanged.
"""

import re
from difflib import get_close_matches
from typing import Final

import typer

_SAYINGS: Final = (
    (r"No such option: (\S+).*", r"expected an option of this verb, found \1"),
    (r"No such command '([^']*)'.*", r"expected a verb, found \1"),
    (r"Missing command\.", "expected a verb, found none"),
    (r"Missing argument '?(.*?)'?\.", r"expected \1, found nothing"),
    (r"Missing option '?(.*?)'?\.", r"expected the option \1, found it missing"),
    (r"Option '(.*)' requires an argument\.", r"expected a value after \1, found none"),
    (r"Option '(.*)' does not take a value\.", r"expected \1 without a value, found one"),
    (r"Got unexpected extra argument\S* \((.*)\)", r"expected no further argument, found \1"),
)


def sentence(fault: typer.TyperException) -> str:
    """Say what is wrong with a command line, and which verb's help tells more."""
    ctx = getattr(fault, "ctx", None)
    text = _translated(fault.message or fault.format_message())
    param = getattr(fault, "param", None)
    if param is not None and getattr(param, "opts", None) and fault.message:
        text = f"{param.opts[0]}: {text}"
    near = _nearest(fault, ctx)
    if near:
        text += f" (the nearest is {near})"
    return text if ctx is None else f"{text}; see {ctx.command_path} --help"


def _translated(message: str) -> str:
    for pattern, saying in _SAYINGS:
        whole = re.fullmatch(pattern, message, re.DOTALL)
        if whole:
            return whole.expand(saying)
    return message


def _nearest(fault: typer.TyperException, ctx: typer.Context | None) -> str:
    """Name the option or verb that was most likely meant; empty where none is close."""
    if ctx is None:
        return ""
    unknown = re.match(r"No such (option: |command ')([^\s']+)", fault.message)
    if unknown is None:
        return ""
    if unknown[1].startswith("option"):
        known = [name for param in ctx.command.params for name in param.opts]
    else:
        known = list(getattr(ctx.command, "commands", ()))
    return next(iter(get_close_matches(unknown[2], known, n=1)), "")
