"""`almanac forecast`, `backtest` and `evaluate`: what is likely next, and how well such forecasts did."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from geodata.errors import AlmanacError
from geodata.region import load_region

if TYPE_CHECKING:
    import pandas as pd

TablePrinter = Callable[["pd.DataFrame", argparse.Namespace], None]


def add_commands(commands: argparse._SubParsersAction[Any], printed: TablePrinter) -> None:
    """Adds the three commands to the parser; `printed` writes a table in the form that was asked for."""

    def table_options(command: argparse.ArgumentParser) -> None:
        command.add_argument("--json", action="store_true")
        command.add_argument("--as", dest="as_", choices=("csv", "json", "parquet"), default="csv")

    command = commands.add_parser("forecast", help="what is likely next at every place, and whether it may be shown")
    command.add_argument("region", metavar="REGION")
    command.add_argument("series", metavar="SERIES", help="dataset.column, as “almanac datasets” prints it")
    command.add_argument("--horizon", type=_whole, help="steps ahead; by default what is usual for the series’ step")
    table_options(command)
    command.set_defaults(command=lambda options: printed(_forecast(options), options))

    command = commands.add_parser("backtest", help="how well each forecaster did in the past, with the baselines")
    command.add_argument("region", metavar="REGION")
    command.add_argument("series", metavar="SERIES")
    command.add_argument("--horizon", type=_whole)
    command.add_argument("--windows", type=_whole, help="from how many moments of the past")
    table_options(command)
    command.set_defaults(command=lambda options: printed(_backtest(options), options))

    command = commands.add_parser("evaluate", help="how well the series of any file can be forecast or simulated")
    command.add_argument("file", metavar="FILE", type=Path, help="CSV or Parquet, one row per place and time")
    command.add_argument("--time", required=True, metavar="COL")
    command.add_argument("--value", required=True, metavar="COL")
    command.add_argument("--location", metavar="COL", help="what tells the places apart; without it there is one")
    command.add_argument("--locations", metavar="FILE", type=Path, help="longitude and latitude (or x and y) by place")
    command.add_argument("--drivers", metavar="COL,…", default="", help="columns that may move the value")
    command.add_argument("--mode", choices=("forecast", "simulate"), default="forecast")
    command.add_argument("--horizon", type=_whole, help="steps ahead; needed to forecast")
    command.add_argument("--train-end", required=True, metavar="T", help="the last moment to learn from")
    command.add_argument("--every", type=_whole, help="steps between forecasts; by default every step")
    command.add_argument("--holidays", default="", metavar="COUNTRY", help="whose public holidays count, such as US-CA")
    command.add_argument("--timezone", default="UTC", help="the clock that people live by, such as Europe/Rome")
    command.add_argument(
        "--out", metavar="FILE", type=Path, help="keep the best model’s predictions (.csv or .parquet)"
    )
    table_options(command)
    command.set_defaults(command=lambda options: printed(_evaluate(options), options))


def _forecast(options: argparse.Namespace) -> pd.DataFrame:
    from analytics.outlook import outlook

    found = outlook(load_region(options.region), options.series, options.horizon, progress=count_up)
    return found.table


def _backtest(options: argparse.Namespace) -> pd.DataFrame:
    from analytics.outlook import WINDOWS, outlook, scores

    windows = WINDOWS if options.windows is None else options.windows
    found = outlook(load_region(options.region), options.series, options.horizon, windows, progress=count_up)
    return scores(found)


def _evaluate(options: argparse.Namespace) -> pd.DataFrame:
    from analytics.evaluation import evaluate
    from analytics.series_file import read_series

    if options.mode == "forecast" and options.horizon is None:
        raise AlmanacError("To forecast a horizon is needed.", hint="Add --horizon with the number of steps ahead.")
    _require_out(options.out)
    _require_clock(options.timezone, options.holidays)
    drivers = [name.strip() for name in options.drivers.split(",") if name.strip()]
    if options.value in drivers:
        raise AlmanacError(
            f"“{options.value}” is to be forecast and cannot drive itself.",
            hint="Leave it out of --drivers: its own past is looked at anyway.",
        )
    history = read_series(
        options.file,
        time=options.time,
        value=options.value,
        location=options.location,
        drivers=drivers,
        locations=options.locations,
        holidays=options.holidays,
        timezone=options.timezone,
    )
    found = evaluate(
        history,
        horizon=1 if options.horizon is None else options.horizon,
        train_end=options.train_end,
        mode=options.mode,
        every=options.every,
        progress=count_up,
    )
    if options.out is not None:
        _keep(found.predictions(), options.out)
    print(f"The best of the models on the last quarter of the training part: {found.best}.", file=sys.stderr)
    return found.scores()


def _require_out(out: Path | None) -> None:
    """What cannot be written is told before minutes are spent on it."""
    if out is None:
        return
    if out.suffix not in (".csv", ".parquet"):
        raise AlmanacError(
            f"The predictions cannot be kept as “{out.name}”.", hint="Name a file that ends in .csv or .parquet."
        )
    if not out.parent.is_dir():
        raise AlmanacError(
            f"There is no folder {out.parent} to keep the predictions in.", hint="Make it, or name another folder."
        )


def _require_clock(timezone: str, code: str) -> None:
    if timezone not in available_timezones():
        raise AlmanacError(
            f"There is no clock “{timezone}”.", hint="Name a city’s as Europe/Rome or America/Los_Angeles."
        )
    if not code:
        return
    import holidays

    country, _, subdivision = code.partition("-")
    known = holidays.list_supported_countries()
    if country not in known or (subdivision and subdivision not in known[country]):
        raise AlmanacError(
            f"The public holidays of “{code}” are not known.", hint="Name a country as US or a part of it as US-CA."
        )


def _keep(table: pd.DataFrame, out: Path) -> None:
    """Writes a table so that no half file ever stands under its name."""
    part = out.with_name(f".{out.name}.part")
    try:
        if out.suffix == ".csv":
            times = {name: table[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in ("cutoff", "time")}
            table.assign(**times).to_csv(part, index=False, lineterminator="\n")
        else:
            table.to_parquet(part, index=False)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise AlmanacError(
            f"{out} cannot be written: {(error.strerror or str(error)).lower()}.",
            hint="Name a file in a folder of yours.",
        ) from error


def count_up(done: int, parts: int) -> None:
    """A line on standard error that counts up; nothing where nobody watches."""
    if sys.stderr.isatty():
        print(f"\r{done} of {parts}", end="" if done < parts else "\n", file=sys.stderr, flush=True)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number") from error
