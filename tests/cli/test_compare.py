import json

from tests.tiny import photo


def test_pictures_are_measured_against_one(priorfit, folder):
    for seed, name in enumerate(("clean.png", "a.png", "b.png")):
        photo(folder / name, seed=seed)
    answer = priorfit("compare", "a.png", "b.png", "clean.png", "--reference", "clean.png")
    head, *rows = [line.split("\t") for line in answer.out.splitlines()]
    assert answer.status == 0
    assert head[:4] == ["picture", "size", "psnr", "ssim"]
    assert [row[0] for row in rows] == ["a.png", "b.png", "clean.png"]
    assert rows[2][2:4] == ["inf", "1"]


def test_sidecars_fill_the_table(priorfit, folder):
    photo(folder / "a.png")
    priorfit("denoise", "a.png", "-o", "b.png", "--reference", "a.png")
    row = priorfit("compare", "b.png").out.splitlines()[1].split("\t")
    assert row[4:7] == ["denoise", "dip/denoise", "4"]
    assert float(row[2]) > 0


def test_json_is_one_object_a_picture(priorfit, folder):
    photo(folder / "a.png")
    answer = priorfit("compare", "a.png", "--reference", "a.png", "--json")
    assert json.loads(answer.out)["size"] == "24×20"


def test_a_bad_picture_fails_alone(priorfit, folder):
    photo(folder / "a.png")
    photo(folder / "small.png", size=(16, 16))
    answer = priorfit("compare", "a.png", "none.png", "small.png", "--reference", "a.png")
    assert answer.status == 1
    assert len(answer.lines) == 2
    assert len(answer.out.splitlines()) == 2
