"""The geometry of one sub-slice: where its samples lie and the surfaces of bones and joint."""

from dataclasses import dataclass

from advmri.simulation.bones import Bones, make_bones
from advmri.simulation.frame import Frame, Window
from advmri.simulation.joint import Joint, make_joint
from advmri.simulation.subject import Subject

JOINT_BOX_MM = ((-50.0, 50.0), (-52.0, 46.0))
"""Left-right and vertical extent of everything that belongs to the joint."""


@dataclass(frozen=True)
class Section:
    """One sub-slice of a knee."""

    sub_slice_mm: float
    """Thickness of the sub-slice."""
    frame: Frame
    bones: Bones
    """Bones over the whole sub-slice."""
    window: Window
    """Rows and columns of the sub-slice in which the joint lies; the fields below cover this window only."""
    joint_frame: Frame
    joint_bones: Bones
    joint: Joint


def make_section(frame: Frame, subject: Subject, sub_slice_mm: float) -> Section:
    """Evaluate bones and joint on one sub-slice."""
    bones = make_bones(frame, subject)
    window = frame.window(*JOINT_BOX_MM)
    joint_frame = frame.cut(window)
    joint_bones = Bones(bones.femur[window], bones.tibia[window], bones.fibula[window], bones.patella[window])
    return Section(
        sub_slice_mm, frame, bones, window, joint_frame, joint_bones, make_joint(joint_frame, subject, joint_bones)
    )
