"""`make bench`: each rate beside its floor, in one run. `python -m bench NAME…` runs some of them."""

from __future__ import annotations

import sys
import time

from bench import audiences, cluster, floors, growth, lanes, line, pages
from bench.report import Row, show

BENCHES = {
    "accept": line.accept_single,
    "batches": line.accept_batches,
    "orders": line.orders,
    "latency": line.latency,
    "backlog": lanes.backlog,
    "isolation": lanes.isolation,
    "audiences": audiences.audiences,
    "idle": line.idle,
    "growth": growth.growth,
    "pages": pages.pages,
    "cluster": cluster.cluster,
    "cluster-pages": pages.cluster_pages,
}


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"unknown bench {unknown[0]!r}; there is {', '.join(BENCHES)}")
    rows: list[Row] = []
    started = time.perf_counter()
    for name in names or list(BENCHES):
        print(f"running {name} …", file=sys.stderr, flush=True)
        rows += BENCHES[name]()
    show(rows, floors.machine(), time.perf_counter() - started)


main(sys.argv[1:])
