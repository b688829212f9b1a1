"""What is shipped: planned for a device, trained in pieces, packed small enough, found by name."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from priorfit.errors import ProblemError
from priorfit.networks.biggan import BigGan, BigGanConfig
from priorfit.networks.biggan_norms import Statistics
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import Pretrained
from priorfit.networks.stylegan import StyleGan, StyleGanConfig
from priorfit.store import folders
from priorfit.train import packing, zoo
from priorfit.train.average import settle_statistics
from priorfit.train.families import FAMILIES
from priorfit.train.game import cool_down
from priorfit.train.inversion import Effort
from priorfit.train.plan import TrainingPlan, TrainingWish, fit_plan, fitting_widest, measure_speed
from tests.test_train_sources import packed, picture

QUICK = Effort(inverted=2, candidates=2, steps=2)
FAST, SLOW = 2_000.0, 900.0  # images a second, more and fewer than a million in 20 minutes


def wish(path: Path, **changed) -> TrainingWish:
    return TrainingWish(
        **{"data": path / "pack.npz", "work": path / "work", "out": path / "zoo"} | changed
    )


def on_gpu(path: Path, **changed) -> TrainingWish:
    return wish(path, device=torch.device("cuda"), **changed)


def test_a_gpu_draws_the_largest_size_that_learns_from_a_million_images(tmp_path):
    speeds = {128: FAST, 64: 4 * FAST}
    plan = fit_plan("biggan", 6, on_gpu(tmp_path), lambda p, c: speeds[p.size])
    assert (plan.size, plan.short, plan.stand_in) == (128, True, False)
    speeds[128] = SLOW
    plan = fit_plan("biggan", 6, on_gpu(tmp_path), lambda p, c: speeds[p.size])
    assert (plan.size, plan.short, plan.stand_in) == (64, True, False)


def test_more_minutes_make_a_larger_size_possible(tmp_path):
    plan = fit_plan("biggan", 6, on_gpu(tmp_path, minutes=40.0), lambda p, c: SLOW)
    assert plan.size == 128


def test_a_processor_draws_stand_ins(tmp_path):
    plan = fit_plan("stylegan", 6, wish(tmp_path), lambda p, c: FAST)
    assert (plan.size, plan.short, plan.compiled, plan.stand_in) == (32, False, False, True)


@pytest.mark.parametrize(("gained", "compiled"), [(1.5, True), (0.8, False), (0.0, False)])
def test_networks_are_compiled_where_that_is_faster(tmp_path, gained, compiled):
    hope = on_gpu(tmp_path, compiled=True)
    plan = fit_plan("biggan", 6, hope, lambda p, c: FAST * (gained if p.compiled else 1))
    assert plan.compiled is compiled
    assert plan.rate == max(FAST, FAST * gained)


def test_a_length_is_whole_batches_that_fit_the_minutes(tmp_path):
    plan = fit_plan("stylegan", 6, wish(tmp_path, minutes=3.0), lambda p, c: 50.0)
    assert plan.images % plan.batch == 0
    assert 0.8 * 50 * 180 < plan.images < 50 * 180


@pytest.mark.parametrize("family", zoo.GENERATORS.values())
@pytest.mark.parametrize("size", [32, 64, 128])
def test_all_that_is_shipped_together_is_small_enough(family, size):
    widest = fitting_widest(family, size, 6, 32)
    pair = TrainingPlan(family, size, 32, widest, 32, 1, 1.0, False, False, False).pair(6)
    with torch.device("meta"):
        networks = [pair.generator(), pair.discriminator()]
    numbers = sum(t.numel() for network in networks for t in network.state_dict().values())
    classifier, pictures = 2.5e6, 3.5e6
    assert 2 * (2 * numbers + pictures) + classifier < packing.MOST_TOGETHER
    assert 2 * numbers < packing.MOST


def test_what_cannot_be_small_is_refused():
    with pytest.raises(ProblemError, match="too large to be shipped"):
        fitting_widest("stylegan", 64, 6, 400)


def test_learning_rates_go_down_to_nothing_at_the_end():
    factor = cool_down(1_000, part=0.5)
    assert [factor(seen) for seen in (0, 500, 750, 1_000, 1_200)] == [1.0, 1.0, 0.5, 0.0, 0.0]


BIGGAN = BigGanConfig(channels=(8, 4), attention=(0,), z_dim=8, classes=2, embedding=4)
STYLEGAN = StyleGanConfig(channels=(4, 4), z_dim=4, w_dim=4, mapping_width=4, mapping_depth=2)


def trained_folder(folder: Path, generator: Drawing) -> Path:
    generator.save_pretrained(folder)
    discriminator = FAMILIES["stylegan"](8, 0, 4).discriminator
    begun = initialised(discriminator, torch.Generator().manual_seed(1))
    begun.save_pretrained(folder / "discriminator")
    (folder / "README.md").write_text("# a\n\n![drawings](samples.png)\n")
    (folder / "samples.png").write_bytes(b"drawings")
    return folder


def biggan(seed: int = 0) -> BigGan:
    return initialised(lambda: BigGan(BIGGAN), torch.Generator().manual_seed(seed))


def test_a_packed_network_is_half_as_large_and_draws_nearly_the_same(tmp_path):
    stylegan = initialised(lambda: StyleGan(STYLEGAN), torch.Generator().manual_seed(0)).eval()
    folder = trained_folder(tmp_path / "trained", stylegan)
    packing.pack(folder, tmp_path / "zoo" / "a")
    tensors = load_file(tmp_path / "zoo" / "a" / "model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    found = StyleGan.from_pretrained(tmp_path / "zoo" / "a")
    z = torch.randn(2, 4, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(found(z), stylegan(z), rtol=0.02, atol=0.05)
    assert Discriminator.from_pretrained(tmp_path / "zoo" / "a" / "discriminator").size == (8, 8)
    assert {p.name for p in (tmp_path / "zoo" / "a").iterdir()} == {
        "README.md", "config.json", "discriminator", "model.safetensors", "samples.png"
    }  # fmt: skip


def test_stored_statistics_are_those_of_what_the_halves_draw(tmp_path):
    packing.pack(trained_folder(tmp_path / "trained", biggan()), tmp_path / "zoo" / "a")
    found = BigGan.from_pretrained(tmp_path / "zoo" / "a")
    again = settle_statistics(
        found,
        torch.Generator().manual_seed(9),
        labels=torch.arange(64) % 2,
        batches=64,
        moving=False,
    )
    layers = [[m for m in n.modules() if isinstance(m, Statistics)] for n in (found, again)]
    assert len(layers[0]) == 3
    for mine, its in zip(*layers, strict=True):
        deviation = its.var.sqrt()
        assert ((mine.mean - its.mean).abs() < 0.15 * deviation).all()
        torch.testing.assert_close(mine.var, its.var, rtol=0.2, atol=1e-4)


def test_the_mean_w_is_that_of_the_generator_itself():
    stylegan = initialised(lambda: StyleGan(STYLEGAN), torch.Generator().manual_seed(0))
    found = settle_statistics(stylegan, torch.Generator().manual_seed(1), labels=None)
    assert isinstance(found, StyleGan)
    z = torch.randn(20_000, 4, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(found.w_avg, stylegan.map(z)[:, :1].mean(0), rtol=0, atol=0.03)


def test_an_overflow_keeps_its_precision():
    network = biggan()
    layer = next(m for m in network.modules() if isinstance(m, Statistics))
    layer.var.fill_(1e6)
    state = packing.halves(network)
    kept = [name for name, tensor in state.items() if tensor.dtype == torch.float32]
    assert [name.rpartition(".")[2] for name in kept] == ["var"]


def test_a_card_says_what_is_a_stand_in_and_what_was_found(tmp_path):
    folder = trained_folder(tmp_path / "trained", biggan())
    packing.pack(folder, tmp_path / "zoo" / "a", stand_in=True, sections=["## Found\n\nmuch"])
    text = (tmp_path / "zoo" / "a" / "README.md").read_text()
    assert text.startswith(f"# a\n\n{packing.STAND_IN}\n")
    assert text.endswith("\n## Found\n\nmuch\n")


def test_a_card_does_not_say_where_a_training_lay(tmp_path):
    folder = trained_folder(tmp_path / "trained", biggan())
    (folder / "README.md").write_text(f"# a\n\n`train -o {folder}`\n")
    packing.pack(folder, tmp_path / "zoo" / "a")
    assert (tmp_path / "zoo" / "a" / "README.md").read_text() == "# a\n\n`train -o a`\n"


def test_the_licence_of_the_photographs_goes_with_the_network(tmp_path):
    packing.pack(trained_folder(tmp_path / "trained", biggan()), tmp_path / "zoo" / "a")
    config = json.loads((tmp_path / "zoo" / "a" / "config.json").read_text())
    assert config["source"]["license"] == packing.LICENSE


def test_a_later_network_replaces_all_files_of_an_earlier(tmp_path):
    folder, out = trained_folder(tmp_path / "trained", biggan()), tmp_path / "zoo" / "a"
    packing.pack(folder, out)
    (out / "old.png").write_bytes(b"")
    packing.pack(folder, out)
    assert not (out / "old.png").exists()
    assert [path.name for path in out.parent.iterdir()] == ["a"]


def test_what_is_no_checkpoint_is_not_replaced(tmp_path):
    (tmp_path / "zoo" / "a").mkdir(parents=True)
    (tmp_path / "zoo" / "a" / "photo.jpg").write_bytes(b"")
    with pytest.raises(ProblemError, match="is not replaced"):
        packing.pack(trained_folder(tmp_path / "trained", biggan()), tmp_path / "zoo" / "a")
    assert (tmp_path / "zoo" / "a" / "photo.jpg").exists()


@pytest.mark.parametrize("limit", ["MOST", "MOST_TOGETHER"])
def test_what_is_too_large_is_refused_and_leaves_the_zoo_as_it_was(tmp_path, monkeypatch, limit):
    folder, out = trained_folder(tmp_path / "trained", biggan()), tmp_path / "zoo" / "a"
    packing.pack(folder, out)
    before = (out / "config.json").stat().st_mtime_ns
    monkeypatch.setattr(packing, limit, 1_000)
    with pytest.raises(ProblemError, match="narrower"):
        packing.pack(folder, out)
    assert (out / "config.json").stat().st_mtime_ns == before


def test_a_training_that_is_not_over_cannot_be_packed(tmp_path):
    with pytest.raises(ProblemError, match="come to an end"):
        packing.pack(tmp_path, tmp_path / "zoo" / "a")


def test_a_discriminator_is_found_by_the_name_of_its_generator(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "ZOO", tmp_path / "zoo")
    packing.pack(trained_folder(tmp_path / "trained", biggan()), tmp_path / "zoo" / "a")
    assert folders.find("a/discriminator") == tmp_path / "zoo" / "a" / "discriminator"
    assert Discriminator.from_pretrained("a/discriminator").size == (8, 8)
    assert folders.names()["a"] == tmp_path / "zoo" / "a"


@pytest.mark.parametrize("stand_in", [True, False])
def test_a_list_says_what_a_generator_draws(tmp_path, stand_in):
    out = tmp_path / "zoo" / "a"
    packing.pack(trained_folder(tmp_path / "trained", biggan()), out, stand_in=stand_in)
    about = Drawing.from_pretrained(out).source["about"]
    assert "8×8 pixels" in about
    assert ("stand-in" in about) == stand_in


def small_pack(path: Path) -> Path:
    files = [picture(seed, side=64) for seed in range(24)]
    return packed(
        path,
        bytes=np.frombuffer(b"".join(files), np.uint8),
        offsets=np.cumsum([0, *map(len, files)]),
        label=np.arange(24, dtype=np.int8) % 2,
        is_test=np.arange(24) >= 16,
    )


def quickly(path: Path, monkeypatch, interrupted=lambda: False, name: str = "one") -> bool:
    monkeypatch.setattr(zoo, "measure_speed", lambda plan, classes, device: 1.0)
    monkeypatch.setattr(zoo, "fitting_epochs", lambda learnt, wish: 8.0)
    hope = wish(
        path, work=path / name / "work", out=path / name / "zoo", size=8, width=2, effort=QUICK
    )
    return zoo.train(dataclasses.replace(hope, minutes=2.0), lambda line: None, interrupted)


def test_pieces_end_in_the_same_bytes_as_one_training(tmp_path, monkeypatch):
    small_pack(tmp_path / "pack.npz")
    assert quickly(tmp_path, monkeypatch)
    asked = iter(range(10_000))
    pieces = 0
    while not quickly(tmp_path, monkeypatch, lambda: next(asked) % 3 == 2, "other"):
        pieces += 1
    assert pieces > 3
    for name in (zoo.FEATURES, *zoo.GENERATORS):
        one, other = (tmp_path / which / "zoo" / name for which in ("one", "other"))
        models = sorted(path.relative_to(one) for path in one.rglob("model.safetensors"))
        assert len(models) == (1 if name == zoo.FEATURES else 2)
        for model in models:
            assert (one / model).read_bytes() == (other / model).read_bytes()
        Pretrained.from_pretrained(one)
    text = (one / "README.md").read_text()
    assert packing.STAND_IN in text
    assert "## Inversion" in text
    assert (one / "inversion.png").is_file()


def test_a_second_call_does_nothing(tmp_path, monkeypatch):
    small_pack(tmp_path / "pack.npz")
    quickly(tmp_path, monkeypatch)
    monkeypatch.setattr(zoo, "load", None)
    assert quickly(tmp_path, monkeypatch)


def test_photographs_that_are_not_there_are_missed(tmp_path):
    with pytest.raises(ProblemError, match="expected the photographs to train on there"):
        zoo.train(wish(tmp_path), lambda line: None)


def test_networks_that_cannot_be_compiled_are_of_no_speed(monkeypatch):
    def refuse(*given, **how):
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(torch, "compile", refuse)
    plan = TrainingPlan("stylegan", 8, 2, 4, 2, 4, 0.0, True, False, True)
    assert measure_speed(plan, 0, torch.device("cpu"), seconds=0) == 0
    plain = dataclasses.replace(plan, compiled=False)
    assert measure_speed(plain, 0, torch.device("cpu"), seconds=0.01) > 0
