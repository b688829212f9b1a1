"""One picture file to another: what to do as a value, and the function that does it."""

from priorfit.engine.request import Request
from priorfit.runs.again import go_on, is_finished
from priorfit.runs.checks import check_outputs
from priorfit.runs.codes import draw_code
from priorfit.runs.files import Outcome
from priorfit.runs.job import Job
from priorfit.runs.perform import resume, run, start_again, start_job
from priorfit.runs.plan import Places, matched, plan_jobs
from priorfit.runs.saved import Saved, is_unfinished
from priorfit.runs.saved import load as load_saved
from priorfit.runs.starting import start

__all__ = [
    "check_outputs",
    "draw_code",
    "go_on",
    "is_finished",
    "is_unfinished",
    "Job",
    "load_saved",
    "matched",
    "Outcome",
    "Places",
    "plan_jobs",
    "Request",
    "resume",
    "run",
    "Saved",
    "start",
    "start_again",
    "start_job",
]
