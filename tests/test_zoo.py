"""What comes with the package: it loads, it is small, and it says what it is."""

from pathlib import Path

import pytest
import torch

from priorfit.checkpoints.verify import verified
from priorfit.networks.generator import Discriminator, Generator
from priorfit.networks.pretrained import Pretrained
from priorfit.noise import Noise
from priorfit.store import files, folders
from priorfit.store.description import CONFIG, MODEL, read_config
from priorfit.train.packing import MOST, MOST_TOGETHER, weigh

# An unpacked source distribution has no networks, unless their own one is installed.
pytestmark = pytest.mark.skipif(
    (Path(__file__).resolve().parents[1] / "PKG-INFO").is_file() and not folders.ZOO.is_dir(),
    reason="needs priorfit-zoo",
)

SHIPPED = sorted(path.parent for path in folders.ZOO.rglob(CONFIG))
GENERATORS = [folder for folder in SHIPPED if read_config(folder)["kind"] in ("biggan", "stylegan")]

each = pytest.mark.parametrize("folder", SHIPPED, ids=lambda f: str(f.relative_to(folders.ZOO)))
each_generator = pytest.mark.parametrize("folder", GENERATORS, ids=lambda folder: folder.name)


def test_something_is_shipped():
    assert GENERATORS


@each
def test_a_network_loads_in_float32_from_halves(folder):
    network = Pretrained.from_pretrained(folder)
    stored = files.tensors_of(folder / MODEL)
    floats = {tensor.dtype for tensor in stored.values() if tensor.is_floating_point()}
    assert torch.float16 in floats
    assert {p.dtype for p in network.parameters()} == {torch.float32}


@each
def test_nothing_has_changed_since_it_was_packed(folder):
    assert verified(str(folder)).state == "ok"


@each
def test_its_licence_is_said(folder):
    assert "research" in read_config(folder)["source"]["license"]


def test_the_zoo_is_small():
    assert all((folder / MODEL).stat().st_size <= MOST for folder in SHIPPED)
    assert weigh(folders.ZOO) <= MOST_TOGETHER


@each_generator
def test_a_generator_has_a_card_and_a_discriminator_that_sees_what_it_draws(folder):
    generator = Generator.from_pretrained(folder.name)
    discriminator = Discriminator.from_pretrained(folder / "discriminator")
    labels = torch.arange(4) % generator.classes
    with torch.no_grad():
        image = generator(generator.sample(Noise(range(4))), generator.embed(labels))
        verdicts = discriminator(image, labels)
    assert (folder / "README.md").is_file()
    assert image.shape == (4, 3, *generator.size)
    assert image.flatten(1).std(1).min() > 0.1
    assert verdicts.isfinite().all()
