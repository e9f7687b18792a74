"""What the config says of an attack: the families (imports neither torch nor numpy: Snakemake reads this)."""

from typing import Annotated

from pydantic import Field

from advmri.attacks.motion.settings import MotionAttack, motion_modules
from advmri.attacks.noise.settings import NoiseAttack

AttackSettings = Annotated[NoiseAttack | MotionAttack, Field(discriminator="threat_model")]


def attack_modules(settings: NoiseAttack | MotionAttack) -> dict[str, str]:
    """Return the modules that an attack loads by name, by the setting that names them."""
    if not isinstance(settings, NoiseAttack):
        return motion_modules(settings)
    folders = {"bound": "bounds", "objective": "objectives", "optimiser": "optimisers"}
    return {key: f"advmri.attacks.noise.{folder}.{getattr(settings, key)}" for key, folder in folders.items()}
