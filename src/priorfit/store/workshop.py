"""Folders in which checkpoints are made, out of everybody's sight until they are whole."""

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from priorfit.disk.locks import folder_locked
from priorfit.store import folders

_SHOP = re.compile(r"\.[0-9a-f]{16}")


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder beside the checkpoints, where `folders.names` does not look, gone afterwards.

    It is locked while it is used. What a killed process left of its own is removed before.
    """
    home = folders.home()
    made = [folder for folder in (home, *home.parents) if not folder.exists()]
    home.mkdir(parents=True, exist_ok=True)
    try:
        sweep()
        with _opened(home) as shop:
            yield shop
    finally:
        with suppress(OSError):  # a folder that holds something stays
            for folder in made:
                folder.rmdir()


def sweep() -> None:
    """Remove the workshops that killed processes left, none that is in use."""
    with suppress(OSError):  # what cannot be read or removed stays
        for shop in [path for path in folders.home().iterdir() if _SHOP.fullmatch(path.name)]:
            if shop.is_dir() and not shop.is_symlink():
                with folder_locked(shop, wait=False) as ours:
                    if ours:
                        shutil.rmtree(shop, ignore_errors=True)


@contextmanager
def _opened(home: Path) -> Iterator[Path]:
    while True:
        shop = home / f".{secrets.token_hex(8)}"
        shop.mkdir(mode=0o700)
        with folder_locked(shop, wait=True):
            if not shop.exists():  # swept away between its making and its lock
                continue
            try:
                yield shop
            finally:
                shutil.rmtree(shop, ignore_errors=True)
            return
