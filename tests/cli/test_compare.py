import json

from tests.markup import Elements
from tests.tiny import hole, photo, pixels


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


def rows_of(answer):
    head, *rows = [line.split("\t") for line in answer.out.splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_cheap_methods_restore_the_damaged_picture_too(priorfit, folder):
    photo(folder / "noisy.png")
    photo(folder / "clean.png", seed=1)
    priorfit("denoise", "noisy.png", "-o", "restored.png", "--noise-std", "0.1")
    given = ["--damaged", "noisy.png", "--reference", "clean.png", "--patience", "1"]
    answer = priorfit("compare", "restored.png", *given)
    rows = rows_of(answer)
    assert answer.status == 0
    assert [row["picture"] for row in rows] == [
        "restored.png", "as it was", "non-local means", "total variation", "block matching"
    ]  # fmt: skip
    assert all(float(row["psnr"]) > 0 and float(row["seconds"]) >= 0 for row in rows)
    best = max(float(row["psnr"]) for row in rows[1:])
    assert ("cheap alternative" in answer.err) == (float(rows[0]["psnr"]) < best + 0.1)
    assert "left out, --patience gives them time: ZS-N2N" in answer.err


def test_the_mask_of_a_sidecar_is_found_beside_the_picture(priorfit, folder):
    photo(folder / "torn.png")
    hole(folder / "hole.png")
    priorfit("inpaint", "torn.png", "-o", "whole.png", "--hole-mask", "hole.png")
    rows = rows_of(priorfit("compare", "whole.png", "--damaged", "torn.png"))
    assert [row["picture"] for row in rows] == ["whole.png", "biharmonic"]
    (folder / "hole.png").rename(folder / "elsewhere.png")
    answer = priorfit("compare", "whole.png", "--damaged", "torn.png")
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert "give --hole-mask" in answer.err
    given = ["--damaged", "torn.png", "--hole-mask", "elsewhere.png"]
    assert priorfit("compare", "whole.png", *given).status == 0


def test_the_task_of_other_programs_pictures_is_guessed_and_said(priorfit, folder):
    photo(folder / "small.png")
    photo(folder / "large.png", size=(40, 48))
    answer = priorfit("compare", "large.png", "--damaged", "small.png")
    assert [row["picture"] for row in rows_of(answer)] == ["large.png", "bicubic", "Lanczos"]
    assert "taken for the task upscale" in answer.err


def test_a_result_of_another_picture_is_refused(priorfit, folder):
    photo(folder / "a.png")
    photo(folder / "b.png", size=(16, 16))
    answer = priorfit("compare", "a.png", "--damaged", "b.png", "--patience", "1")
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert "expected the result of b.png, of 16×16 pixels, got 20×24" in answer.err


def test_a_page_and_a_sheet_are_written(priorfit, folder):
    photo(folder / "noisy.png", size=(80, 96))
    priorfit("denoise", "noisy.png", "-o", "restored.png", "--noise-std", "0.1")
    for out in ("page.html", "sheet.png"):
        given = ["--damaged", "noisy.png", "--patience", "0.1", "-o", out]
        given += ["--reference", "noisy.png"]
        assert priorfit("compare", "restored.png", *given).status == 0
        assert priorfit("compare", "restored.png", *given).status == 1  # it is there already
    page = Elements((folder / "page.html").read_text("utf-8"))
    assert all(name in " ".join(page.words) for name in ("non-local means", "as it was"))
    assert {"damaged", "restored.png", "total variation", "reference"} <= {
        i["alt"] for i in page.all("img")
    }
    assert pixels(folder / "sheet.png").shape[0] > 192
    assert priorfit("compare", "restored.png", "-o", "page.pdf").status == 2


def test_what_is_wrong_for_all_pictures_is_said_once_and_before_any_work(priorfit, folder):
    for name in ("a.png", "b.png"):
        photo(folder / name)
    (folder / "there.html").write_text("mine")
    for given, said in (
        (("--reference", "missing.png"), "missing.png: cannot be read"),
        (("-o", "there.html"), "there.html: exists already"),
    ):
        answer = priorfit("compare", "a.png", "b.png", *given)
        assert (answer.status, answer.out, len(answer.lines)) == (1, "", 1)
        assert said in answer.err


def test_where_no_picture_can_be_read_there_is_no_table(priorfit, folder):
    answer = priorfit("compare", "missing.png")
    assert (answer.status, answer.out) == (1, "")
