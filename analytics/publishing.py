"""Publishing indicators and what-ifs: their numbers for the dashboard, their code and golden case for the project."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from analytics.evidence import Evidence
from analytics.golden_case import GoldenCase, read_found
from analytics.indicator import INDICATORS, Indicator
from analytics.measure import Measured, measured, measures_anew, uses
from analytics.notebook_module import module_of
from analytics.published import DESCRIPTION, TABLE, description, published_indicators, table_bytes
from analytics.scenario import Scenario, scenario_text
from geodata.atomic import write_whole
from geodata.dataset import Dataset
from geodata.errors import AlmanacError
from geodata.provenance import Ran, what_ran
from geodata.publishing import Attached, publish
from geodata.region import Region, load_region, regions, unnoted

# A golden case is small; an indicator that needs longer for it does not end.
_LIMIT_S = 300
_INTERVAL = {"1 month": timedelta(days=31), "1 year": timedelta(days=366)}


def publish_indicator(
    indicator_id: str,
    case: GoldenCase,
    *,
    region: Region | str | None = None,
    to: str | Path | None = None,
    author: str | None = None,
    notebook: str | Path | None = None,
) -> list[Dataset]:
    """Puts an indicator of a notebook on its domain's page, and its code and golden case into files for the project.

    The code is exported as a module and run on the golden case in a process of its own; only where it gives what is
    expected are the numbers published. The dashboard reads these numbers and never runs the code.

    Parameters
    ----------
    indicator_id : the name of the function, which `@indicator` registered in this notebook.
    case : an input with its expected values from outside this project.
    region : for which region; None for all that have the data.
    to : the folder of a checkout of the project, into which the module and the case are written too.
    author, notebook : as in `geodata.publish`.

    Returns
    -------
    The published datasets, one for each region.

    Raises
    ------
    AlmanacError
        When the code cannot stand alone, the golden case is missed, no region has the data, or as `geodata.publish`.
    """
    indicator = INDICATORS[indicator_id]
    _refuse_number(indicator)
    ran = what_ran(notebook)
    module = module_of(ran.cells, indicator_id, ran.names, heading=f"{indicator.title}.").encode()
    golden = case.files(indicator_id)
    case.refuse_others(_found_alone(module, indicator_id, golden))
    # The function may have been written anew since these were computed.
    measures_anew()
    ids = regions() if region is None else [region.id if isinstance(region, Region) else region]
    with unnoted():
        usable = [home for home in map(load_region, ids) if indicator_id in uses(home)]
        homes = [home for home in usable if measured(home, indicator_id).known]
    if not homes:
        raise AlmanacError(
            "No region has data for “{indicator}”, which needs {needs}.",
            hint="Correct `needs` and `steps` of the indicator, or name a region that has these columns.",
            indicator=indicator_id,
            needs=indicator.needs,
        )
    evidence = Evidence(case.grade, (case.source,))
    files = {f"{indicator_id}.py": module, **golden, DESCRIPTION: description(indicator, evidence)}
    published = [
        _publish_measured(measured(home, indicator_id), home, files, author, ran, several=len(homes) > 1)
        for home in homes
    ]
    if to is not None:
        _export(Path(to), {f"analytics/indicators/{indicator_id}.py": module})
        _export(Path(to) / "tests" / "golden" / f"{indicator_id}_{case.grade}", golden)
    return published


def publish_scenario(
    scenario: Scenario,
    result: pd.Series | pd.DataFrame | gpd.GeoDataFrame,
    case: tuple[pd.DataFrame, pd.DataFrame],
    *,
    title: str,
    method: str,
    to: str | Path | None = None,
    **details: Any,
) -> Dataset:
    """Puts what a what-if leads to beside the data of its region, with the what-if itself and its golden case.

    Parameters
    ----------
    result, title, method, details : as in `geodata.publish`.
    case : a small panel, and what the scenario is to make of it, worked out by hand.
    to : the folder of a checkout of the project, into which the TOML and the case are written too.

    Raises
    ------
    AlmanacError
        When the scenario does not make of the panel what is expected, or as `geodata.publish`.
    """
    before, after = case
    made = scenario.apply(before)
    try:
        pd.testing.assert_frame_equal(made, after[list(made.columns)], check_dtype=False, rtol=1e-9)
    except (AssertionError, KeyError) as error:
        raise AlmanacError(
            "The scenario {scenario} does not make of its golden case what is expected: {why}.",
            hint="Correct the scenario, or the case where it is wrong.",
            scenario=scenario.id,
            why=str(error).strip().splitlines()[0].rstrip(".:"),
        ) from error
    files = {f"{scenario.id}.toml": scenario_text(scenario).encode()}
    golden = {
        name: table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in (("before.csv", before), ("after.csv", after))
    }
    region = details.pop("region", None) or scenario.region or None
    dataset = publish(
        result,
        title=title,
        method=method,
        region=region,
        attached=Attached("scenario", {**files, **golden}),
        **details,
    )
    if to is not None:
        _export(Path(to) / "analytics" / "scenarios", files)
        _export(Path(to) / "tests" / "scenarios" / scenario.id, golden)
    return dataset


def _refuse_number(indicator: Indicator) -> None:
    """Refuses an indicator whose number another one has."""
    # Earlier tries of the same notebook stay among the indicators until its kernel is restarted.
    ours = [one for one in INDICATORS.values() if one.function.__module__ != indicator.function.__module__]
    others = [one for name in regions() for one in published_indicators(load_region(name)).values()]
    for one in (*ours, *others):
        if one.code == indicator.code and one.id != indicator.id:
            raise AlmanacError(
                "The number {code} is that of the indicator “{other}”.",
                hint="Give `code` a number that no other indicator has, or withdraw that one.",
                code=indicator.code,
                other=one.id,
            )


def _publish_measured(
    found: Measured, region: Region, files: Mapping[str, bytes], author: str | None, ran: Ran, *, several: bool
) -> Dataset:
    indicator, use = found.indicator, found.use
    locations = [use.locations] if use.locations is not None else []
    name, _, meaning = indicator.title.partition(":")
    meaning = meaning.strip() or name
    described = [meaning[:1].upper() + meaning[1:], indicator.formula, indicator.caveat]
    return publish(
        found.values.rename(f"{indicator.id}_{indicator.unit}"),
        title=name.strip(),
        method=" ".join(f"{text.strip().rstrip('.')}." for text in described if text.strip()),
        region=region,
        id=f"{indicator.id}_{region.id}" if several else indicator.id,
        theme=use.datasets[0].theme,
        observed=_observed(found),
        inputs=dict.fromkeys([*(d.id for d in use.datasets), *locations]),
        author=author,
        notebook=ran.notebook,
        attached=Attached("indicator", {**files, TABLE: table_bytes(found.table)}),
    )


def _observed(found: Measured) -> tuple[date, date]:
    datasets = found.use.datasets
    ends = found.table.loc[found.values.notna(), ["observed_from", "observed_to"]].dropna()
    if ends.empty:
        return min(d.observed_from for d in datasets), max(d.observed_to for d in datasets)
    last = ends["observed_to"].max().date()
    # The table has the beginning of the last interval, a dataset its last day.
    none = timedelta()
    whole = [d.observed_to for d in datasets if none <= d.observed_to - last <= _INTERVAL.get(d.step, none)]
    return ends["observed_from"].min().date(), max([last, *whole])


def _found_alone(module: bytes, indicator_id: str, golden: Mapping[str, bytes]) -> pd.DataFrame:
    """What the exported module makes of the golden case, in a process that knows nothing of the notebook."""
    with tempfile.TemporaryDirectory(prefix="almanac-") as folder:
        _export(Path(folder), {f"{indicator_id}.py": module, **golden})
        packages = str(Path(__file__).parents[1])
        command = [sys.executable, "-m", "analytics.golden_case", f"{folder}/{indicator_id}.py", indicator_id, folder]
        path = os.pathsep.join(filter(None, (packages, os.environ.get("PYTHONPATH"))))
        try:
            done = subprocess.run(
                command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
                timeout=_LIMIT_S, check=False,
            )  # fmt: skip
            why = _last_words(done.stderr, f"{indicator_id}.py") if done.returncode else ""
        except subprocess.TimeoutExpired:
            why = f"it did not end within {_LIMIT_S} seconds"
    if why:
        raise AlmanacError(
            "The code of “{indicator}” does not run on its golden case outside of the notebook: {why}.",
            hint="Correct the function, restart the kernel and run all cells; it has what it is given, and no more.",
            indicator=indicator_id,
            why=why.rstrip("."),
        )
    return read_found(done.stdout)


def _last_words(stderr: str, file: str) -> str:
    """The error that a process ended with, and in which function of a file."""
    lines = stderr.strip().splitlines() or [""]
    at = [line for line in lines if f'{file}", line ' in line]
    found = re.search(r"line \d+, in (\S+)", at[-1]) if at else None
    return f"{lines[-1]} ({found[1]})" if found else lines[-1]


def _export(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        for name, content in files.items():
            write_whole(folder / name, content)
    except OSError as error:
        raise AlmanacError(
            "The files cannot be written to {folder}: {why}.",
            hint="Name a folder that you may write to.",
            folder=folder,
            why=(error.strerror or str(error)).lower(),
        ) from error
