from tests.tiny import photo, pixels


def test_two_photographs_become_one(priorfit, folder):
    photo(folder / "flash.png")
    photo(folder / "dark.png", seed=1)
    answer = priorfit("fuse", "--flash", "flash.png", "--no-flash", "dark.png", "-o", "b.png")
    assert answer.status == 0
    assert pixels(folder / "b.png").shape == (20, 24, 3)


def test_photographs_of_two_sizes_are_refused(priorfit, folder):
    photo(folder / "flash.png", size=(16, 24))
    photo(folder / "dark.png")
    pair = ("--flash", "flash.png", "--no-flash", "dark.png")
    answer = priorfit("fuse", *pair, "-o", "b.png", "-q")
    assert answer.status == 1
    assert "one size, got 16×24 pixels with flash and 20×24 without" in answer.err
