"""Settings of the log file: where lines are kept beside what the terminal shows, and how many.

Owns `[logs]`. Without a `file` nothing is kept; the terminal is not touched by any of these but
`lines_per_min`.
"""

from typing import Literal

from pydantic import BaseModel, Field

from config.schema.fields import STRICT, Finite, NamedPath, unit


class Logs(BaseModel):
    """The log file and the flood limit (docs/logs.md)."""

    model_config = STRICT

    file: NamedPath | None = Field(
        None,
        description="File of JSON lines (0600) beside the terminal; {instance} in it is replaced. "
        "Absent: no file.",
        json_schema_extra=unit("", example="~/.local/state/deltaband/{instance}.jsonl"),
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Lowest level that is written to the file.",
    )
    max_mb: Finite = Field(
        64.0,
        ge=0.1,
        le=10_000,
        description="Size at which the file is moved to FILE.1 and begun anew.",
        json_schema_extra=unit("MB"),
    )
    keep: int = Field(
        5,
        ge=0,
        le=1_000,
        description="Older files that are kept, the newest as FILE.1.",
        json_schema_extra=unit("files"),
    )
    lines_per_min: int = Field(
        240,
        ge=10,
        le=1_000_000,
        description="Most lines of one event in a minute, on the terminal and in the file; the "
        "rest is counted. Errors and hedges are never left out.",
        json_schema_extra=unit("lines per min"),
    )
