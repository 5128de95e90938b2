"""From nothing to a first answer: a new interpreter, the import, the kernels, one price.

Beside the bare imports that each path cannot do without. Wall seconds, medians of programs that
take turns; the compiled path is warm: its folder was filled by one run before.
"""

from statistics import median
from tempfile import TemporaryDirectory

from greeks import arithmetic
from tests.bench import rows
from tests.bench.programs import run
from tests.bench.rows import Row

ROUNDS = 7
ANSWER = """
from greeks import black76, arithmetic
{use}
assert black76.price(True, 100.0, 100.0, 1.0, 0.5) > 19.0
"""
NUMPY = "import numpy, scipy.special"
NUMBA = "import numba, numpy, scipy.special"


def answers() -> list[Row]:
    """Return seconds of both paths, and their ratios to the imports alone."""
    cold = None
    with TemporaryDirectory() as folder:
        use = f"arithmetic.use(only=('first',), cache={folder!r})"
        programs = {"plain": ANSWER.format(use=""), "numpy": NUMPY}
        if arithmetic.COMPILED in arithmetic.available():
            programs |= {"compiled": ANSWER.format(use=use), "numba": NUMBA}
            cold = run(["-c", programs["compiled"]]).seconds
        took: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(ROUNDS):
            for name, program in programs.items():
                took[name].append(run(["-c", program]).seconds)
    mid = {name: median(seconds) for name, seconds in took.items()}
    found = [
        rows.most("import.numpy_path", mid["plain"], "s to a first answer", 1.0),
        rows.plain("import.numpy_path_bare", mid["plain"] / mid["numpy"], "times numpy, scipy"),
    ]
    if "compiled" not in mid:
        return [*found, *rows.skipped("import.compiled_path", "numba is not installed")]
    return [
        *found,
        rows.most("import.compiled_path", mid["compiled"], "s to a first answer, warm", 3.0),
        rows.plain("import.compiled_path_bare", mid["compiled"] / mid["numba"], "times numba"),
        rows.plain("import.compiled_path_cold", cold, "s, once: `first` is compiled"),
    ]
