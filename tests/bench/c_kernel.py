"""The compiled kernel's arithmetic in C, made by the system's compiler: how fast it could be.

The polynomials are taken from the kernel's own source, so that both are one arithmetic.
"""

import ctypes
import inspect
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.bench.programs import BenchError

Array = NDArray[np.float64]
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
SOURCE = """
#include <math.h>
#include <stdint.h>
#include <string.h>
static inline int64_t bits(double x) {{ int64_t i; memcpy(&i, &x, 8); return i; }}
static inline double real(int64_t i) {{ double x; memcpy(&x, &i, 8); return x; }}
static inline double exponential(double x) {{
    double shifted = x * 1.4426950408889634 + 6755399441055744.0;
    double k = shifted - 6755399441055744.0;
    double r = x - k * 0.6931471803691238;
    r = r - k * 1.9082149292705877e-10;
    double p;
    {exponential}
    p = p * r * r + r;
    p = p + 1.0;
    double scaled = real(bits(p) + (bits(shifted) << 52));
    return x > -708.0 ? scaled : 0.0;
}}
static inline double log_ratio(double big, double small) {{
    int64_t k = (bits(big) - bits(small) + ((int64_t)1 << 51)) >> 52;
    double power = real(k | 0x4330000000000000) - 4503599627370496.0;
    double scaled = small * real((k << 52) + 0x3FF0000000000000);
    double s = (big - scaled) / (big + scaled), w = s * s, p;
    {logarithm}
    return power * 0.6931471803691238 + (power * 1.9082149292705877e-10 + s * w * p + 2.0 * s);
}}
void first(int64_t n, const double *restrict in, double *restrict out) {{
    const double *phis = in, *fs = in + n, *ks = in + 2 * n, *ts = in + 3 * n, *vs = in + 4 * n,
                 *ds = in + 5 * n;
    double *restrict prices = out, *restrict deltas = out + n, *restrict gammas = out + 2 * n,
           *restrict vegas = out + 3 * n, *restrict thetas = out + 4 * n;
    for (int64_t i = 0; i < n; i++) {{
        double phi = phis[i], f = fs[i], strike = ks[i], years = ts[i], vol = vs[i], disc = ds[i];
        double root = sqrt(years), s = vol * root;
        int above = f >= strike;
        double big = above ? f : strike, small = above ? strike : f;
        double inverse = 1.0 / s, byf = 1.0 / f, z = log_ratio(big, small) * inverse;
        z = z < 100.0 ? z : 100.0;
        double h = 0.5 * s, a = z - h, b = z + h;
        a = a > -37.0 ? a : -37.0;
        int near = a >= -0.5;
        double u = (near ? a : -a) + 5.5, v = b + 5.5, q = 1.0 / (u * v), ql = q * v, qh = q * u;
        double low = 1.0 - 10.0 * ql, high = 1.0 - 10.0 * qh, p, d;
        {mills}
        double e = 0.3989422804014327 * exponential(-0.5 * a * a);
        double rl = p * ql, rh = (p + 10.0 * (ql - qh) * d) * qh;
        double value = near ? e * (s * q * (p - 10.0 * qh * d)) : 1.0 - e * (rl + rh);
        double share = small * byf, tail = above ? share * (e * rh) : e * rl;
        int is_tail = (phi > 0.0) == (!above & near);
        double money = disc * small * e, intrinsic = phi * (f - strike);
        intrinsic = intrinsic > 0.0 ? intrinsic : 0.0;
        prices[i] = disc * (intrinsic + small * value);
        deltas[i] = disc * phi * (is_tail ? tail : 1.0 - tail);
        gammas[i] = disc * share * e * byf * inverse;
        vegas[i] = money * root;
        thetas[i] = -0.5 * money * (vol * (vol * inverse));
    }}
}}
"""


def first(folder: Path) -> Callable[[Array, Array], None]:
    """Compile the kernel in a folder; BenchError where there is no compiler or it fails."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise BenchError("expected gcc or cc, found neither")
    from greeks.compiled import scalars

    parts = {
        "exponential": _horner(scalars.exponential, "r"),
        "logarithm": _horner(scalars._atanh_twice, "w"),
        "mills": _horner(scalars.mills, "low", "high"),
    }
    source, library = folder / "kernel.c", folder / "kernel.so"
    source.write_text(SOURCE.format(**parts), encoding="utf-8")
    command = [compiler, *FLAGS, "-o", str(library), str(source), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"expected {compiler} to compile the kernel, found: {done.stderr[:300]}")
    call = ctypes.CDLL(str(library)).first
    call.argtypes = (ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
    call.restype = None
    return lambda inputs, out: call(inputs.shape[1], inputs.ctypes.data, out.ctypes.data)


def _horner(function: Callable[..., object], *names: str) -> str:
    """Return the lines of a scalar's source that evaluate its polynomial, as C."""
    source = inspect.getsource(function.py_func)  # type: ignore[attr-defined]
    lines = [line.strip() for line in source.splitlines()]
    begins = (*(f"p = p * {name} + " for name in names), "d = d * ", "d = 0.0")
    found = [one for one in lines if one.startswith(begins)]
    first_p = next(one for one in lines if one.startswith("p = ") and "*" not in one)
    return " ".join(f"{one};" for one in (first_p, *found))
