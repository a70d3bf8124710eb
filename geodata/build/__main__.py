"""`python -m geodata.build [REGION…] [--only ID…] [--check]`: makes the bundled regions again."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import tomllib
from collections.abc import Callable, Mapping

import pandas as pd

import geodata.build
from geodata.build.fetch import sha256
from geodata.build.write import source_files, write_dataset
from geodata.errors import AlmanacError, UnknownName
from geodata.settings import settings
from geodata.table_bytes import dataset_bytes

Maker = Callable[[dict[str, bytes]], pd.DataFrame]


def buildable_regions() -> list[str]:
    """The ids of the regions that can be made again."""
    names = [module.name for module in pkgutil.iter_modules(geodata.build.__path__)]
    return [name for name in names if (settings().regions / name).is_dir()]


def makers(region: str) -> Mapping[str, Maker]:
    """The datasets of a region with the function that makes each.

    Raises
    ------
    UnknownName
        When there is no such region to build.
    """
    known = buildable_regions()
    if region not in known:
        raise UnknownName(f"There is no region “{region}” to build.", hint=f"Use one of {', '.join(known)}.")
    datasets: Mapping[str, Maker] = importlib.import_module(f"geodata.build.{region}").DATASETS
    return datasets


def build(region: str, dataset: str, *, check: bool = False) -> tuple[str, int, int]:
    """Makes one dataset of a region again.

    Parameters
    ----------
    region, dataset : the ids.
    check : compare with the checksum in the TOML and write nothing.

    Returns
    -------
    "same" or "changed", the number of rows and of bytes.
    """
    datasets = makers(region)
    if dataset not in datasets:
        raise UnknownName(
            f"The region {region} builds no dataset “{dataset}”.", hint=f"Use one of {', '.join(datasets)}."
        )
    files = source_files(dataset)
    made = datasets[dataset](files)
    content = dataset_bytes(made, name=dataset)
    described = tomllib.loads((settings().sources / f"{dataset}.toml").read_text(encoding="utf-8"))
    state = "same" if described["sha256"] == sha256(content) else "changed"
    if not check:
        write_dataset(content, region, dataset, files)
    return state, len(made), len(content)


def main(arguments: list[str] | None = None) -> int:
    """Makes the regions asked for and prints a line for each dataset; 0 when all went well, 2 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m geodata.build", description=__doc__)
    parser.add_argument("regions", nargs="*", metavar="REGION", help="all when none is named")
    parser.add_argument("--only", nargs="+", metavar="ID", help="only these datasets")
    parser.add_argument("--check", action="store_true", help="write nothing, exit 2 on a change")
    asked = parser.parse_args(arguments)
    changed = 0
    try:
        for region in asked.regions or buildable_regions():
            for dataset in makers(region):
                if asked.only and dataset not in asked.only:
                    continue
                state, rows, size = build(region, dataset, check=asked.check)
                changed += state == "changed"
                size_kb = f"{size / 1000:,.1f} kB"
                print(f"{region:20} {dataset:32} {rows:>9,} rows {size_kb:>12}  {state}", flush=True)
    except AlmanacError as error:
        print(error, file=sys.stderr)
        return 2
    return 2 if asked.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
