"""How a run ended, each way with its sentence."""

from enum import Enum


class End(Enum):
    """How a run ended; the sentence is what the sidecar says."""

    STEPS = "the steps of the recipe are done"
    RULE = "a rule of the recipe ended it"  # whose own sentence tells more
    TIME = "the time limit"
    INTERRUPTED = "interrupted"
    NEEDLESS = "there was nothing to restore"
    CHEAP = "there was no fit"

    @property
    def sentence(self) -> str:
        """For whoever reads the sidecar."""
        return self.value

    @property
    def cut_short(self) -> bool:
        """Whether somebody or the clock ended a fit before it was done."""
        return self in (End.TIME, End.INTERRUPTED)
