"""Restore a picture in a service: progress, a preview, and a cancel button.

    python examples/service.py

`pf.start` begins a run that is iterated step by step. `run.cancel()` may be called from any thread;
the outcome is then the picture so far.
"""

import threading

from skimage import data

import priorfit as pf


def main(steps: int = 60, every: int = 20) -> pf.Restored:
    """Denoise a photograph, report progress, and cancel from another thread.

    Args:
        steps: length of the fit.
        every: steps between two lines of progress.
    """
    photograph = data.chelsea()[40:104, 120:184]  # (H, W, 3), uint8
    run = pf.start(pf.denoise, photograph, channel_axis=-1, noise_std=0.05, steps=steps)

    cancel = threading.Timer(60, run.cancel)  # a user who loses patience after a minute
    cancel.start()
    for progress in run:
        if progress.step % every == 0 or progress.step == steps:
            preview = run.preview()  # as the result would be now, for a browser to show
            print(f"step {progress.step} of {progress.planned}, mean {preview.mean():.1f}")
    cancel.cancel()

    restored = run.outcome()
    print(f"{restored.sidecar.steps} steps, {restored.array.dtype} {restored.array.shape}")
    return restored


if __name__ == "__main__":
    main()
