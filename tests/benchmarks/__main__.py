"""Run every benchmark, print one table and write benchmarks.json: `python -m tests.benchmarks`."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.benchmarks import Row, run_one
from tests.benchmarks.shapes import AbsentError

FOLDER = Path(__file__).parent
COLUMNS = ("measure", "ours", "peer", "unit", "ratio", "target", "met")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks asked for; 0 when every target is met, 1 when one is missed, failed or absent."""
    names = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder with data sets that are not in the repository")
    parser.add_argument("--only", action="append", choices=names, help="run this one only (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: that it works, not how fast")
    parser.add_argument("--out", type=Path, default=Path("benchmarks.json"))
    options = parser.parse_args(arguments)
    if options.quick:
        os.environ["ALMANAC_BENCH_QUICK"] = "1"
    rows: list[Row] = []
    failures: list[str] = []
    load: dict[str, float] = {}
    for name in options.only or names:
        print(f"… {name}", file=sys.stderr, flush=True)
        began = time.monotonic()
        # Each in a process of its own: one that fails, or even crashes, does not take the others down.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            future = pool.submit(run_one, name, options.data)
            error = future.exception()
            if error is None:
                rows += future.result()
        if error is not None:
            traceback.print_exception(error)
            what = "absent" if isinstance(error, AbsentError) else f"failed: {type(error).__name__}"
            failures.append(f"{name}: {what}: {error}")
        load[name] = round(os.getloadavg()[0], 1)
        print(f"  {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        write(options.out, rows, failures, load, quick=options.quick)
    print(table(rows))
    for failure in failures:
        print(failure)
    return 0 if rows and not failures and all(row["met"] is not False for row in rows) else 1


def write(out: Path, rows: list[Row], failures: list[str], load: dict[str, float], *, quick: bool) -> None:
    """Write the results so that a reader never sees half a file."""
    content = {
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "quick": quick,
        "load": load,  # of the machine at the end of each: far above its cpus, times say little
        "rows": rows,
        "failures": failures,
    }
    part = out.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(out)


def table(rows: list[Row]) -> str:
    """The results as lines of text, notes under the table."""
    text = [[_cell(row.get(column)) for column in COLUMNS] for row in rows]
    width = [max(len(line[i]) for line in [list(COLUMNS), *text]) for i in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(size) for cell, size in zip(line, width, strict=True)).rstrip()
             for line in [list(COLUMNS), ["-" * size for size in width], *text]]  # fmt: skip
    notes = [f"* {row['measure']}: {row['note']}" for row in rows if row.get("note")]
    return "\n".join([*lines, "", *notes])


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"


if __name__ == "__main__":
    sys.exit(main())
