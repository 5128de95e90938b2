"""`dashboard`: the process that shows journals as a page. SIGINT and SIGTERM end it."""

import socket
from typing import Annotated

import typer

from bot.cli import say
from bot.cli.exits import Exit, VerbError
from bot.cli.options import ConfigFiles, Sets, instance_name, load, named_instance

Shown = Annotated[
    list[str] | None,
    typer.Option(
        "--instance",
        metavar="NAME",
        parser=instance_name,
        help="A bot to show. Repeatable; without it, every one that has a journal.",
    ),
]
Listen = Annotated[
    str | None,
    typer.Option(
        "--listen", metavar="HOST:PORT", help="Where the page is served; port 0 is a free one."
    ),
]
AsLine = Annotated[bool, typer.Option("--json", help="Say the address as one JSON object.")]


def dashboard(
    instance: Shown = None,
    listen: Listen = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsLine = False,
) -> int:
    """Serve a page that shows what bots do, from their journals, until Ctrl-C.

    It only reads. Beyond this machine it asks for the word in dashboard.token_file.
    """
    given = {} if listen is None else {"dashboard.listen": listen}
    loaded = load(config, list(sets or ()), given)
    from bot.monitor.dashboard.access import Access
    from bot.monitor.dashboard.serving import serve
    from config.schema.dashboard import split_address
    from config.secrets import dashboard_token

    asked = loaded.settings.dashboard
    named = tuple(instance or ())
    if not named and (one := named_instance(loaded, None)) is not None:
        named = (one,)
    token = None if asked.token_file is None else dashboard_token(asked.token_file).reveal()
    host, port = split_address(asked.listen)
    listening = _bound(host, port)
    names = (host, socket.gethostname(), *asked.hosts)
    url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
    if as_json:
        say.json({"url": url, "instances": list(named)})
        say.flush()
    else:
        say.line(f"dashboard: {url}" + ("" if token is None else "  (asks for its word)"))
        say.flush()
    serve(
        loaded.settings.state_dir, named, listening, Access(token, names), as_json=as_json,
        secrets=() if token is None else (token,),
    )  # fmt: skip
    return Exit.FINE


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens, or say why there can be none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=64)
    except (OSError, socket.gaierror) as fault:
        found = fault.strerror or str(fault)
        message = f"expected a free address for the dashboard, found {host}:{port}: {found}"
        raise VerbError(message, Exit.ERROR) from fault
