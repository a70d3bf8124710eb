"""The installation: packages found from anywhere, all files in the wheel, and what `make` says when it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("geodata", "analytics", "app")
ALMANAC = Path(sys.executable).with_name("almanac")


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_found_from_an_empty_folder(tmp_path: Path, package: str) -> None:
    # -I: neither the folder nor PYTHONPATH helps, as pytest's own path handling would.
    done = run(sys.executable, "-I", "-c", f"import {package}; print({package}.__file__)", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == ROOT / package / "__init__.py"


def test_the_command_line_works_from_an_empty_folder(tmp_path: Path) -> None:
    done = run(ALMANAC, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for command in ("run", "regions", "datasets", "doctor"):
        assert command in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_wheel_carries_every_file_of_the_packages_and_the_notebooks(tmp_path: Path) -> None:
    listed = run("git", "ls-files", "-z", *PACKAGES, "notebooks", cwd=ROOT)
    if listed.returncode != 0:
        pytest.skip("this is not a git checkout")
    files = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    source = tmp_path / "source"
    for name in [*files, "pyproject.toml", "LICENSE"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    done = run(*pip, "--wheel-dir", str(tmp_path), str(source), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("almanac-*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    # The notebooks go to the data of the environment, where `app.notebook_command` looks for them.
    carried |= {name.partition(".data/data/share/almanac/")[2] for name in carried}
    # .gitignore and the like serve the repository only.
    assert [name for name in files if name not in carried and Path(name).name[:4] != ".git"] == []


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout with nothing set up, and a PATH on which only the simplest programs are found, no Python."""
    if os.name == "nt":
        pytest.skip("the Makefile is for Linux and macOS")
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "requirements", checkout / "requirements")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout / name)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "sh", "cat", "cut", "cksum", "env", "make", "awk", "rm"):
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed")
        (programs / name).symlink_to(found)
    return checkout


def pretend(checkout: Path, name: str, script: str) -> None:
    program = checkout.parent / "programs" / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    programs = checkout.parent / "programs"
    return run(programs / "make", *arguments, cwd=checkout, PATH=str(programs), MAKEFLAGS="", PYTHON="")


def test_make_says_when_no_python_works(bare: Path) -> None:
    # As pyenv leaves them: a name that only prints an error.
    pretend(bare, "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    pretend(bare, "python3", "exit 1")
    done = make(bare, "run")
    assert done.returncode == 2
    assert "No working Python 3.11, 3.12 or 3.13 was found.\nInstall one of them" in done.stderr
    assert not (bare / ".venv").exists()


def test_make_says_when_the_python_named_does_not_work(bare: Path) -> None:
    done = make(bare, "run", "PYTHON=python9.9")
    assert done.returncode == 2
    assert "was found at 'python9.9'" in done.stderr


def test_make_says_when_venv_is_missing(bare: Path) -> None:
    pretend(bare, "python3.12", 'case "$2" in *ensurepip*) exit 1;; esac')
    done = make(bare, "run")
    assert done.returncode == 2
    assert "python3.12 is a suitable Python but lacks the modules venv and ensurepip.\nInstall them" in done.stderr


def test_make_prefers_the_newest_python_that_works(bare: Path) -> None:
    pretend(bare, "python3.13", "exit 127")
    for name in ("python3.12", "python3.11"):
        pretend(
            bare,
            name,
            f'case "$*" in -c*) exit 0;; -V) echo {name};; *) echo "made by {name}: $*"; exit 7;; esac',
        )
    assert "made by python3.12: -m venv --clear .venv" in make(bare, "setup").stdout


def test_make_help_lists_the_promised_targets(bare: Path) -> None:
    for arguments in ((), ("help",)):
        done = make(bare, *arguments)
        listed = {line.split()[1] for line in done.stdout.splitlines()}
        assert listed >= {"run", "test", "check", "bench", "regions", "wheelhouse", "screenshots", "notebooks", "help"}
