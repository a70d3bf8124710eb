"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> Path:
    """Writes a file so that every reader finds the old one or the new one, also after a loss of power.

    Parameters
    ----------
    path : its folder is made where it is missing; a file there is replaced.

    Returns
    -------
    The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
        beside.chmod(0o644)
        return beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
