"""Nothing leaves the machine: every module, region, dataset and page works while no other host can be reached.

The other half, with a real browser, is in tests/browser.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
import pkgutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
# What Python reports before anything can leave, and where the destination stands among its arguments.
LEAVING: dict[str, Callable[[tuple[Any, ...]], object]] = {
    "socket.connect": lambda args: args[1],
    "socket.sendto": lambda args: args[1],
    "socket.sendmsg": lambda args: args[1],
    "socket.getaddrinfo": lambda args: args[0],
    "socket.gethostbyname": lambda args: args[0],
    "socket.gethostbyaddr": lambda args: args[0],
}
# They do what they are for when they are imported: main draws the dashboard, build fetches public packages on request.
NOT_IMPORTED = ("app.main", "geodata.build")


def is_home(destination: object) -> bool:
    """Whether an address or host name is this machine itself; a path is a socket between its own processes."""
    host = destination[0] if isinstance(destination, tuple) and destination else destination
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host is None or host in ("", "localhost", socket.gethostname()):
        return True
    if not isinstance(host, str) or host.startswith(("/", "\0")):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def close_the_doors(attempts: list[str]) -> None:
    """From here on this process reaches only itself; each attempt to do otherwise is noted and fails.

    An audit hook cannot be taken back, so call this in a process of its own.
    """

    def hook(event: str, args: tuple[Any, ...]) -> None:
        find = LEAVING.get(event)
        if find is not None and not is_home(destination := find(args)):
            attempts.append(f"{event} {destination!r}")
            raise PermissionError(f"the tests allow no connection to {destination!r}")

    sys.addaudithook(hook)


def our_modules() -> Iterator[str]:
    for package in ("geodata", "analytics", "app"):
        yield package
        where = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(where, f"{package}."):
            if not module.name.startswith(NOT_IMPORTED):
                yield module.name


def rehearse() -> dict[str, Any]:
    """Does everything that the dashboard does, in this process, with the doors closed."""
    attempts: list[str] = []
    close_the_doors(attempts)
    done: dict[str, Any] = {"attempts": attempts, "modules": 0, "datasets": 0, "pages": [], "failures": []}
    for name in our_modules():
        importlib.import_module(name)
        done["modules"] += 1

    from app.view import find_views
    from geodata import AlmanacError, open_catalog, regions

    catalog = open_catalog()
    catalog.search("water")
    done["failures"] += [str(error) for error in catalog.broken.values()]
    for dataset in catalog.values():
        done["datasets"] += 1
        try:
            dataset.load()
        except AlmanacError as error:
            done["failures"].append(str(error))
    for region_id in regions():
        for view in find_views():
            heading, failures = opened(view.id, region_id)
            done["pages"].append([region_id, heading])
            done["failures"] += [f"{view.id} of {region_id}: {failure}" for failure in failures]
    return done


def opened(view_id: str, region_id: str) -> tuple[str, list[str]]:
    """One page of the dashboard, drawn without a browser: its heading and the errors on it."""
    from streamlit.testing.v1 import AppTest
    from streamlit.util import calc_hash

    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=600)
    page.query_params["region"] = region_id
    page.query_params["lang"] = "en"
    # switch_page() knows pages that are files only; ours are functions, known by their address.
    page._page_hash = calc_hash(view_id)
    page.run()
    return page.title[0].value if page.title else "", [str(e.value) for e in [*page.exception, *page.error]]


@pytest.fixture(scope="module")
def rehearsed() -> dict[str, Any]:
    code = "import json; from tests.test_no_egress import rehearse; print(json.dumps(rehearse()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.slow
def test_nothing_tries_to_leave(rehearsed: dict[str, Any]) -> None:
    assert rehearsed["attempts"] == []


@pytest.mark.slow
def test_everything_works_with_the_doors_closed(rehearsed: dict[str, Any]) -> None:
    assert rehearsed["failures"] == []


@pytest.mark.slow
def test_everything_was_tried(rehearsed: dict[str, Any]) -> None:
    views = [path for path in (ROOT / "app" / "views").glob("*.py") if path.name != "__init__.py"]
    regions = list((ROOT / "geodata" / "regions").glob("*/region.toml"))
    sources = list((ROOT / "geodata" / "sources").glob("*.toml"))
    # Each page has a heading of its own, so that none was opened in the place of another.
    headings = {tuple(page) for page in rehearsed["pages"]}
    assert len(headings) == len(rehearsed["pages"]) == len(views) * len(regions) > 0
    assert all(heading for _, heading in headings)
    assert rehearsed["datasets"] == len(sources) > 0
    assert rehearsed["modules"] > len(views)


def escape() -> list[str]:
    """Tries the usual ways out; returns what was noted."""
    attempts: list[str] = []
    close_the_doors(attempts)
    ways: list[Callable[[], object]] = [
        # 192.0.2.1 and .invalid belong to nobody (RFC 5737, RFC 2606), so that a broken guard reaches no one either.
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
        lambda: socket.getaddrinfo("example.invalid", 443),
        lambda: urllib.request.urlopen("https://example.invalid/", timeout=1),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    ]
    for way in ways:
        try:
            way()
        except OSError:
            continue
    return attempts


def test_the_guard_notes_and_stops_every_usual_way_out() -> None:
    code = "import json; from tests.test_no_egress import escape; print(json.dumps(escape()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    noted = json.loads(done.stdout)
    assert [note.split(" ")[0] for note in noted].count("socket.getaddrinfo") >= 2
    assert any("192.0.2.1" in note and note.startswith("socket.sendto") for note in noted)
    assert len(noted) == 4


@pytest.mark.parametrize(
    ("destination", "home"),
    [
        (("127.0.0.1", 8501), True),
        (("::1", 8501, 0, 0), True),
        ("localhost", True),
        (None, True),
        ("/run/some.socket", True),
        (("10.0.0.1", 80), False),
        ("example.org", False),
        (b"example.org", False),
        (("2001:db8::1", 80, 0, 0), False),
    ],
)
def test_what_counts_as_this_machine(destination: object, home: bool) -> None:
    assert is_home(destination) is home
