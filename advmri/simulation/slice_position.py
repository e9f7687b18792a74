"""Where the slices of a simulated volume lie in the knee (standard library only)."""

from advmri.simulation.settings import SimulationSettings

STACK_CENTRE_MM = 3.0
"""Position of the middle of the slice stack behind the centre of the tibial plateau in mm."""


def slice_position_mm(settings: SimulationSettings, index: int) -> float:
    """Give the antero-posterior position of a slice in mm; posterior is positive, slices run anterior to posterior."""
    return STACK_CENTRE_MM + (index - (settings.slices - 1) / 2) * settings.slice_spacing_mm
