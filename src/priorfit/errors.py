"""Every error a user can cause, under one base class meant for `except`.

PriorfitError
├── ImageFileError      a file that cannot be read as one image, or a place that cannot be written
├── RequestError        settings or names of files that do not go together
├── ProblemError        an observation, degradation or setting that does not fit the others
├── RecipeError         a recipe that does not exist, or stages that do not fit their prior
├── CheckpointError     a trained network that is not here, or a file that holds none
├── CodeError           a file that holds no code, or one of another network
├── DeviceError         a device that is not there
└── DivergenceError     a fit whose loss stopped being a number

A message is one sentence without capital or full stop: what was expected, what was got, what to do.
"""


class PriorfitError(Exception):
    """Base of every error that priorfit raises on purpose."""


class ImageFileError(PriorfitError):
    """A file is not one readable image, or cannot be written."""


class RequestError(PriorfitError):
    """Settings or names of files do not go together.

    Args:
        message: the sentence.
        about: the setting that is wrong, by its name in `runs.Request` or `runs.Places`.
    """

    def __init__(self, message: str, about: str) -> None:
        super().__init__(message)
        self.about = about


class ProblemError(PriorfitError):
    """Observation, degradation and settings do not fit together."""


class RecipeError(PriorfitError):
    """No such recipe, or its stages do not fit its prior."""


class CheckpointError(PriorfitError):
    """A trained network is not here, or a file does not hold one that fits."""


class CodeError(PriorfitError):
    """A file does not hold a code, or one that another network or family has made."""


class DeviceError(PriorfitError):
    """The device asked for is not available."""


class DivergenceError(PriorfitError):
    """The loss is no longer a number, and going back did not help."""
