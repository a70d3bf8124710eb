"""`almanac …`: the same functions from a terminal.

Data go to standard output, everything else to standard error; 0 on success, 2 on input that cannot be used,
with two sentences: what is wrong, and what to do.
"""

from __future__ import annotations

import argparse
import csv
import errno
import importlib.metadata
import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from app.forecast_commands import add_commands
from app.notebook_command import add_notebook
from app.publication_commands import add_publications
from app.report_commands import add_report
from geodata.catalog import open_catalog
from geodata.dataset import Dataset
from geodata.errors import AlmanacError
from geodata.region import load_region, regions
from geodata.search import nearest
from geodata.settings import settings

if TYPE_CHECKING:
    import pandas as pd

MAIN = Path(__file__).parent / "main.py"
# What the dashboard needs to stay on this machine, wherever it is started from; .streamlit/config.toml says
# the same for those who start Streamlit by hand.
QUIET = {
    "browser.gatherUsageStats": "false",
    # Without it the first start on a machine waits at a question about an e-mail address.
    "server.showEmailPrompt": "false",
    "browser.serverAddress": "localhost",
    "server.fileWatcherType": "none",
    "client.toolbarMode": "minimal",
    # The tables' own download knows no guard against formulas; the Data page's does.
    "client.disableDataExport": "true",
    "client.showErrorDetails": "none",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    try:
        options = _parser().parse_args(arguments)
        options.command(options)
    except AlmanacError as error:
        print(f"{error.message}\n{error.hint}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def run(options: argparse.Namespace) -> None:
    """Opens the dashboard."""
    regions()  # with nothing to show, the dashboard does not start
    load_region(options.region or settings().region)
    _require_free(options.port)
    flags = dict(QUIET)
    flags["server.port"] = flags["browser.serverPort"] = str(options.port)
    flags["server.address"] = options.address
    flags["server.headless"] = str(options.headless).lower()
    command = [sys.executable, "-m", "streamlit", "run", str(MAIN)]
    command += [f"--{name}={value}" for name, value in flags.items()]
    environment = {**os.environ, **({"ALMANAC_REGION": options.region} if options.region else {})}
    os.execve(sys.executable, command, environment)


def show_regions(options: argparse.Namespace) -> None:
    """Prints the regions."""
    rows: list[dict[str, Any]] = []
    for region_id in regions():
        try:
            region = load_region(region_id)
        except AlmanacError as error:
            rows.append({"region": region_id, "name": "", "datasets": None, "opens_on": "", "broken": str(error)})
            continue
        rows.append(
            {
                "region": region.id,
                "name": region.name,
                "datasets": len(region.datasets),
                "opens_on": region.opens_on,
                "broken": "",
            }
        )
    _print(rows, as_json=options.json)


def show_datasets(options: argparse.Namespace) -> None:
    """Prints the datasets that match the words, or the automatic statistics of one."""
    catalog = open_catalog()
    if options.profile is not None:
        profile = catalog.profile(options.profile).to_dict()
        if options.json:
            print(json.dumps(profile, ensure_ascii=False, indent=2, default=str))
        else:
            for line in _outline(profile):
                print(line)
        return
    if options.region is not None:
        load_region(options.region)
    found = catalog.search(" ".join(options.words), region=options.region)
    rows = [
        {
            "dataset": d.id,
            "title": d.title,
            "region": d.region,
            "theme": d.theme,
            "producer": d.producer,
            "licence": d.licence,
            "observed_from": d.observed_from.isoformat(),
            "observed_to": d.observed_to.isoformat(),
            "step": d.step,
            "series": " ".join(f"{d.id}.{c}" for c in d.columns),
        }
        for d in found
    ]
    if not rows:
        print("No dataset matches these words.", file=sys.stderr)
    for name, error in catalog.broken.items():
        print(f"{name} is left out: {error}", file=sys.stderr)
    _print(rows, as_json=options.json)


def show_indicators(options: argparse.Namespace) -> None:
    """Prints every indicator of a region at every place that could have it, with its class and evidence."""
    # Only this command needs them, and they take a second to import.
    from analytics.indicator import Domain
    from analytics.measure import broken_data, table_of

    region = load_region(options.region)
    domains = get_args(Domain)
    if options.domain not in (None, *domains):
        near = nearest(options.domain, domains)
        raise AlmanacError(
            f"There is no domain “{options.domain}”.",
            hint=f"Did you mean “{near}”?" if near else f"Choose one of: {', '.join(domains)}.",
        )
    table = table_of(region, domain=options.domain, standard_id=options.standard)
    broken = broken_data(region, options.domain)
    if table.empty and broken:
        raise broken[0]
    for error in broken:
        print(f"Left out: {error}", file=sys.stderr)
    if table.empty:
        without = "classes in this standard" if options.standard else "data in this region"
        print(f"None of these indicators has {without}.", file=sys.stderr)
    _print_table(table, "json" if options.json else options.as_)


def doctor(options: argparse.Namespace) -> None:
    """Prints what is installed, what is missing, and whether anything would leave the machine."""
    checks = _checks()
    _print(checks, as_json=options.json)
    failed = [c for c in checks if c["state"] == "missing"]
    if failed:
        raise AlmanacError(
            f"{len(failed)} of {len(checks)} checks failed: {', '.join(c['check'] for c in failed)}.",
            hint="Run “make run” in the project's folder to set up what is missing, or follow the notes above.",
        )


def _checks() -> list[dict[str, str]]:
    from analytics.standard import broken_standards, standards

    def check(name: str, good: bool, note: str, *, needed: bool = True) -> dict[str, str]:
        return {"check": name, "state": "ok" if good else "missing" if needed else "absent", "note": note}

    version = platform.python_version()
    rows = [check("python", (3, 11) <= sys.version_info[:2] <= (3, 13), f"{version}; 3.11 to 3.13 are supported")]
    for package in (
        "streamlit",
        "geopandas",
        "shapely",
        "plotly",
        "scikit-learn",
        "duckdb",
        "pyarrow",
        "maplibre",
    ):
        try:
            rows.append(check(package, True, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            rows.append(check(package, False, "not installed"))
    for region_id in regions():
        try:
            region = load_region(region_id)
            for dataset in region.observed.datasets:
                dataset.load()
            rows.append(
                check(f"region {region_id}", True, f"{len(region.observed.datasets)} datasets, checksums agree")
            )
            rows += [_published(dataset) for dataset in region.published]
        except AlmanacError as error:
            rows.append(check(f"region {region_id}", False, str(error)))
    broken = open_catalog().broken
    rows.append(
        check("catalogue", not broken, "; ".join(map(str, broken.values())) or f"{len(open_catalog())} datasets")
    )
    wrong = broken_standards()
    rows.append(check("standards", not wrong, "; ".join(map(str, wrong.values())) or f"{len(standards())} standards"))
    for name, folder in (("observations", settings().observations), ("publications", settings().publications)):
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        rows.append(check(f"{name} folder", os.access(existing, os.W_OK), str(folder), needed=False))
    browser = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
    rows.append(
        check("browser for the tests", browser is not None, browser or "“make test” installs one", needed=False)
    )
    rows.append(
        check(
            "usage statistics",
            QUIET["browser.gatherUsageStats"] == "false",
            "off: nothing leaves the machine",
        )
    )
    return rows


def _published(dataset: Dataset) -> dict[str, str]:
    """Whether a publication is whole: one that is not takes no region down."""
    try:
        dataset.load()
        note, state = "whole", "ok"
    except AlmanacError as error:
        note, state = str(error), "absent"
    return {"check": f"publication {dataset.id}", "state": state, "note": note}


def _require_free(port: int) -> None:
    # Both families: a server on ::1 alone would also be found at “localhost”.
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    continue
                raise AlmanacError(
                    f"The port {port} cannot be used: {(error.strerror or str(error)).lower()}.",
                    hint=f"Choose another, for example “almanac run --port {port + 1}” or “make run PORT={port + 1}”.",
                ) from error


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    elif rows:
        writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _print_table(table: pd.DataFrame, form: str) -> None:
    """A table on standard output: what is missing is empty in CSV, null in JSON and null in Parquet."""
    if form == "parquet":
        table.to_parquet(sys.stdout.buffer, index=False)
        return
    days = table.select_dtypes(["datetime", "datetimetz"]).columns
    table = table.assign(**{day: table[day].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for day in days})
    if form == "json":
        print(table.to_json(orient="records", force_ascii=False, indent=2, double_precision=15))
    else:
        table.to_csv(sys.stdout, index=False, lineterminator="\n")


def _outline(value: Any, depth: int = 0) -> list[str]:
    """Nested facts as indented lines."""
    lines = []
    for key, inner in value.items():
        if isinstance(inner, dict):
            lines += [f"{'  ' * depth}{key}:", *_outline(inner, depth + 1)]
        else:
            lines.append(f"{'  ' * depth}{key}: {inner}")
    return lines


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in two sentences, like everything else."""

    def error(self, message: str) -> NoReturn:
        raise AlmanacError(f"{message[0].upper()}{message[1:]}.", hint=f"“{self.prog} --help” lists what can be given.")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"“{text}” is not a port, a whole number from 1 to 65535")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="almanac", description="A regional almanac for policy makers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("run", help="open the dashboard")
    command.add_argument("--region", help="the region that opens first")
    command.add_argument("--port", type=_port, default=8501)
    command.add_argument(
        "--address", default="localhost", help="the address to listen on; by default this machine only"
    )
    command.add_argument("--headless", action="store_true", help="do not open a browser")
    command.set_defaults(command=run)

    command = commands.add_parser("regions", help="list the regions")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=show_regions)

    command = commands.add_parser("datasets", help="search the datasets by words, or profile one")
    command.add_argument("words", nargs="*", metavar="WORDS")
    command.add_argument("--region")
    command.add_argument("--profile", metavar="ID", help="print the automatic statistics of one dataset")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=show_datasets)

    command = commands.add_parser("indicators", help="every indicator of a region, place by place, with its evidence")
    command.add_argument("region", metavar="REGION")
    command.add_argument("--domain", help="traffic, water, natural_resources, ground_motion or cross_domain")
    command.add_argument("--standard", help="only what this standard has classes for, in its classes")
    command.add_argument("--json", action="store_true")
    command.add_argument("--as", dest="as_", choices=("csv", "json", "parquet"), default="csv")
    command.set_defaults(command=show_indicators)

    add_commands(commands, lambda table, options: _print_table(table, "json" if options.json else options.as_))
    add_report(commands, lambda table, options: _print_table(table, "json" if options.json else "csv"))

    add_notebook(commands, lambda rows, as_json: _print(rows, as_json=as_json))
    add_publications(commands, lambda rows, as_json: _print(rows, as_json=as_json))

    command = commands.add_parser("doctor", help="what is installed, what is missing, whether anything would leave")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=doctor)
    return parser


if __name__ == "__main__":
    sys.exit(main())
