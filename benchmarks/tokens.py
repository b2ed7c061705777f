"""How fast one core makes tokens, beside what the same core does in other ways.

Each figure is the best of five rounds; the ways take turns, so that a busy moment of the machine hits them all.
`by hand` is one `hmac.digest` call a row, and hexadecimal digits; `upper case` is one pass of Arrow over the strings.
"""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.keys import Key
from maskgate.methods import METHODS, Domain, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 1_000_000
ROUNDS = 5
SECRET = bytes(range(32))
HERE = Surroundings("people", "email", Key("people", SECRET))


def main() -> None:
    """Measure and print rows a second and the ratios between them."""
    pa.set_cpu_count(1)
    texts = pa.array([f"u{number:07d}@example.com"[:22].ljust(22, "m") for number in range(ROWS)])
    few = texts[: ROWS // 10].to_pylist()
    integers = pa.array(range(ROWS), pa.int64())
    mixed = pa.array(["x" * (number * 7919 % 61) for number in range(ROWS)])
    hmac_token, cmac_token = token("hmac"), token("cmac")
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "by hand": (len(few), lambda: [hmac.digest(SECRET, text.encode(), "sha256")[:16].hex() for text in few]),
        "upper case": (ROWS, lambda: pc.utf8_upper(texts)),
        "token hmac, 22 bytes": (ROWS, lambda: hmac_token(texts)),
        "token cmac, 22 bytes": (ROWS, lambda: cmac_token(texts)),
        "token cmac, int64": (ROWS, lambda: cmac_token(integers)),
        "token cmac, 0 to 60 bytes": (ROWS, lambda: cmac_token(mixed)),
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for name, (rows, work) in ways.items():
            best[name] = max(best[name], rows / seconds(work))
    print(f"{'':28}{'rows/s':>14}{'of by hand':>12}{'of upper case':>15}")
    for name, rate in best.items():
        print(f"{name:28}{rate:14,.0f}{rate / best['by hand']:11.1f}x{rate / best['upper case']:14.2f}x")


def token(scheme: str) -> Callable[[pa.Array], pa.Array]:
    """Return the method `token` under a scheme."""
    method = METHODS["token"].configure({}, Domain("customer", scheme, "people"))
    return lambda column: method.apply(column, HERE)


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
