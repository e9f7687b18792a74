"""What image figures say of the box they show."""

from advmri.figures.picking import PickedBox
from advmri.figures.style import times
from advmri.figures.view import View


def place(box: PickedBox) -> str:
    """Say which box this is."""
    text = f"{box.volume}, slice {box.slice}, {box.label}"
    return text.replace("$", r"\$")  # Names from elsewhere are text; matplotlib would take dollars for formulas.


def rule(box: PickedBox) -> str:
    """Say how the box was picked."""
    what = {"median": "median", "worst": "largest"}[box.pick]
    rank = f"rank {box.rank} of {box.boxes}{box.among}"
    return f"Box with the {what} SSIM loss at {times(box.acceleration)} ({rank})"


def orientation(view: View) -> str:
    """Say which way up the images are shown, against the volume's file."""
    return "Images flipped up-down" if view.flip else "Images not flipped"
