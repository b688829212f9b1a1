"""What is built: a small distribution under one licence, and the networks in one of their own."""

import os
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import hatchling.build
import pytest
from packaging.requirements import Requirement

from priorfit.store import folders
from priorfit.store.description import CONFIG

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "priorfit"
ZOO = PACKAGE / "zoo"

pytestmark = pytest.mark.skipif(
    (ROOT / "PKG-INFO").is_file(), reason="an unpacked source distribution has no zoo"
)


def built(project: Path, where: Path, kind: str) -> Path:
    before = Path.cwd()
    os.chdir(project)  # a build backend builds where it stands
    try:
        return where / getattr(hatchling.build, f"build_{kind}")(str(where))
    finally:
        os.chdir(before)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def zoo_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ZOO, tmp_path_factory.mktemp("zoo"), "wheel")


def members(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def metadata(wheel: Path) -> Message:
    (name,) = (name for name in members(wheel) if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(zipfile.ZipFile(wheel).read(name))


def kept(folder: Path) -> set[str]:
    """Files of a folder of the checkout, without what running it leaves."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in files if path.parent.name[:2] != "__"}


def test_the_wheel_is_the_package_without_the_networks(wheel):
    expected = {f"priorfit/{name}" for name in kept(PACKAGE) if not name.startswith("zoo/")}
    assert {name for name in members(wheel) if ".dist-info/" not in name} == expected


def test_the_wheel_is_small_and_under_the_licence_of_the_code_alone(wheel):
    about = metadata(wheel)
    assert wheel.stat().st_size < 2_000_000
    assert about["License-Expression"] == "Apache-2.0"
    assert about.get_all("License-File") == ["LICENSE"]


def test_the_source_distribution_has_no_networks_either(tmp_path):
    archive = built(ROOT, tmp_path, "sdist")
    names = tarfile.open(archive).getnames()
    assert any(name.endswith("src/priorfit/store/folders.py") for name in names)
    assert not [name for name in names if "/zoo/" in name or name.endswith(".safetensors")]


def test_the_zoo_carries_every_network_with_its_card_and_licence(zoo_wheel):
    inside = kept(ZOO) - {"pyproject.toml", "README.md"}
    assert {f"priorfit_zoo/{name}" for name in inside} == {
        name for name in members(zoo_wheel) if ".dist-info/" not in name
    }
    about = metadata(zoo_wheel)
    assert about["License-Expression"] == "LicenseRef-Research-Use-Of-Weights"
    assert about.get_all("License-File") == ["LICENSE.txt"]
    assert "priorfit_zoo/LICENSE.txt" in members(zoo_wheel)


def test_the_extra_asks_for_the_zoo_that_is_here(wheel, zoo_wheel):
    wanted = [Requirement(line) for line in metadata(wheel).get_all("Requires-Dist")]
    (zoo,) = (line for line in wanted if line.marker and line.marker.evaluate({"extra": "zoo"}))
    about = metadata(zoo_wheel)
    assert (zoo.name, zoo.specifier.contains(about["Version"])) == (about["Name"], True)


def test_the_names_of_what_is_shipped_are_those_of_the_folder():
    assert folders.SHIPPED == tuple(sorted(path.parent.name for path in ZOO.glob(f"*/{CONFIG}")))


LOOKED_UP = "from priorfit.store import folders; print(*map(folders.find, {}))"


def test_an_installed_wheel_finds_the_networks_of_an_installed_zoo(wheel, zoo_wheel, tmp_path):
    for archive in (wheel, zoo_wheel):
        zipfile.ZipFile(archive).extractall(tmp_path)
    names = [*folders.SHIPPED, "scenes-biggan/discriminator"]
    command = [sys.executable, "-P", "-c", LOOKED_UP.format(names)]
    places = {"PYTHONPATH": str(tmp_path), "PRIORFIT_HOME": str(tmp_path / "home")}
    answer = subprocess.run(command, env=os.environ | places, capture_output=True, text=True)
    assert answer.stdout.split() == [str(tmp_path / "priorfit_zoo" / name) for name in names]
