"""What is installed is what pyproject.toml says, with hashes; no file names a registry host or a machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.cli import QUIET
from tests.test_architecture import imported, modules

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Which optional dependencies each file of pins carries beside the dependencies themselves.
PINNED = {
    "run": ("setup",),
    "test": ("setup", "test"),
    "bench": ("setup", "test", "bench"),
    "build": ("setup", "build"),
    "notebooks": ("setup", "notebooks"),
}
# In pieces, so that this file passes its own test.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pypi", "python", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("unpkg", "com"),
        ("deb", "debian", "org"),
        ("ftp", "debian", "org"),
        ("security", "debian", "org"),
        ("snapshot", "debian", "org"),
        ("packages", "debian", "org"),
        ("tracker", "debian", "org"),
        ("anaconda", "org"),
        ("crates", "io"),
    )
]
# Folders of one machine or one person: a path in a committed file works for nobody else.
MACHINE = re.compile(
    rb"(?<![\w./~-])/(?:wo"
    rb"rk|ro"
    rb"ot|home/\w+|Users/\w+)/[\w.]|/opt/(?:py"
    rb"pi|whe"
    rb"els)|\.lib"
    rb"rary/"
)


@cache
def pins(name: str) -> dict[str, tuple[str, int]]:
    """Package → pinned version and number of hashes, of one file in requirements/."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    found: dict[str, tuple[str, int]] = {}
    for entry in text.replace("\\\n", " ").splitlines():
        if not entry or entry.startswith("#"):
            continue
        match = re.match(
            r"(?P<name>[\w.-]+)==(?P<version>[\w.+!-]+)(?: ; [^-]+)?(?P<hashes>(?:\s+--hash=\S+)*)\s*$", entry
        )
        assert match, f"requirements/{name}.txt: not a pinned package: {entry[:100]}"
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}(?!\S)", match["hashes"])
        assert len(hashes) == match["hashes"].count("--hash"), entry[:100]
        package = canonicalize_name(match["name"])
        assert package not in found, f"{package} is pinned twice: one version for all Pythons"
        found[package] = (match["version"], len(hashes))
    return found


@pytest.mark.parametrize("name", PINNED)
def test_every_dependency_is_pinned_within_its_limits(name: str) -> None:
    asked = list(PROJECT["dependencies"])
    for extra in PINNED[name]:
        asked += PROJECT["optional-dependencies"][extra]
    assert len(asked) > len(PROJECT["dependencies"])
    for text in asked:
        wanted = Requirement(text)
        version, _ = pins(name)[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), (
            f"requirements/{name}.txt has {wanted.name} {version}: run “make pins”"
        )


@pytest.mark.parametrize("name", PINNED)
def test_every_pin_has_hashes_and_none_names_a_host(name: str) -> None:
    assert pins(name)
    assert [package for package, (_, hashes) in pins(name).items() if hashes == 0] == []
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    for forbidden in ("://", "index-url", "find-links", "trusted-host", " @ ", "-e "):
        assert forbidden not in text


def test_the_files_of_pins_agree_with_each_other() -> None:
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(PINNED)
    for name in PINNED:
        for other in PINNED:
            both = pins(name).keys() & pins(other).keys()
            assert {p for p in both if pins(name)[p][0] != pins(other)[p][0]} == set(), (name, other)
    for name in PINNED:
        assert pins("run").keys() <= pins(name).keys()


def test_every_optional_dependency_is_pinned_somewhere() -> None:
    assert set(PROJECT["optional-dependencies"]) == {extra for extras in PINNED.values() for extra in extras}


def test_environment_yml_is_held_to_pyproject() -> None:
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f"name: {PROJECT['name']}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python {PROJECT['requires-python']}",
        "  - pip",
        "  - pip:",
        "      - -r requirements/run.txt",
    ]


def test_the_pythons_named_are_the_same_everywhere() -> None:
    supported = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    low, high = (int(limit.split(".")[1]) for limit in PROJECT["requires-python"].removeprefix(">=").split(",<"))
    assert supported == [f"3.{minor}" for minor in range(low, high)]
    candidates = " ".join(f"python{version}" for version in reversed(supported))
    assert candidates in (ROOT / "Makefile").read_text(encoding="utf-8")


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is not a git checkout")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def mentions(content: bytes) -> list[str]:
    """The registry hosts and machine paths that a file's content names."""
    lower = content.lower()
    hosts = [h for h in HOSTS if re.search(rb"(?<![\w-])" + re.escape(h.encode()) + rb"(?![\w-])", lower)]
    return [*hosts, *(match.decode() for match in MACHINE.findall(content))]


def test_no_committed_file_names_a_registry_host_or_a_machine() -> None:
    files = committed()
    assert ROOT / "pyproject.toml" in files
    # A Parquet file's compressed bytes say nothing; its metadata is covered where it is read.
    named = {
        str(path.relative_to(ROOT)): found
        for path in files
        if path.suffix != ".parquet" and (found := mentions(path.read_bytes()))
    }
    assert named == {}


def test_a_planted_host_or_path_is_found() -> None:
    for host in HOSTS:
        assert mentions(f"fetch https://{host}/simple/x".encode())
        assert mentions(f"# see www.{host.upper()}".encode())
    for folder in ("work", "root", "home/ann", "Users/ann"):
        assert mentions(f"open('/{folder}/almanac/data.csv')".encode())
    for harmless in (
        b"app/static/work/x",
        b"https://example.gov/root/page",
        b"the work/life balance",
        b"~/root/x",
    ):
        assert mentions(harmless) == []


def test_streamlit_keeps_to_this_machine_wherever_it_is_started() -> None:
    text = (ROOT / "app" / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    settings = tomllib.loads(text)
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["browser"]["serverAddress"] == "localhost"
    # What the file says the command line repeats, it repeats.
    repeated = re.findall(r"^(\w+) = .*# \(\*\)", text, flags=re.MULTILINE)
    said = {
        f"{table}.{key}": value for table, keys in settings.items() for key, value in keys.items() if key in repeated
    }
    assert len(said) == len(repeated) > 2
    for name, value in said.items():
        assert QUIET[name] == (str(value).lower() if isinstance(value, bool) else value)


def test_everything_imported_is_declared() -> None:
    """A package that only happens to come with another would be missing the day the other drops it."""
    distributions = packages_distributions()
    extras = PROJECT["optional-dependencies"]
    undeclared = set()
    for path in modules(ROOT):
        here = path.relative_to(ROOT).as_posix()
        declared = PROJECT["dependencies"] + (extras["build"] if here.startswith("geodata/build/") else [])
        names = {canonicalize_name(Requirement(text).name) for text in declared}
        for line, name in imported(path, ROOT):
            top = name.split(".")[0]
            if top in sys.stdlib_module_names or (ROOT / top).is_dir():
                continue
            # What is not installed here can only be of requirements/build.txt, under the name it is imported by.
            providers = {canonicalize_name(d) for d in distributions.get(top, [top])}
            if not providers & names:
                undeclared.add(f"{here}:{line} imports {top}")
    assert undeclared == set()
