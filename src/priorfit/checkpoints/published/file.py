"""What is known of one published file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A file that somebody has published; what its publisher does not say stays None.

    Args:
        name: of the checkpoint that it becomes.
        kind: which network, one of `priorfit.networks.pretrained.HOMES`.
        does: what it draws, or tells apart, in a few words.
        file: its name where it is published.
        page: where people read about it, or get it by hand.
        code: licence of the code it comes with.
        weights: licence of the numbers, or that there is none.
        size: (height, width) of its images.
        url: address that gives the file itself; None where a browser is needed.
        sha256: of the file; all 64 digits, or the first 8 where its own name states them.
        length: bytes, if the publisher or several independent users state them.
        megabytes: about how many, for people.
        settings: what the file does not say of its network, for its layout.
        note: what else one should know.
    """

    name: str
    kind: str
    does: str
    file: str
    page: str
    code: str
    weights: str
    size: tuple[int, int] | None = None
    url: str | None = None
    sha256: str | None = None
    length: int | None = None
    megabytes: int | None = None
    settings: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def licence(self) -> str:
        """Both licences in one sentence."""
        return f"code: {self.code}; weights: {self.weights}"
