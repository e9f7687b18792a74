"""Claim (d): rotation is milder than noise."""

from advmri.claims.inputs import Claim, ClaimInputs
from advmri.claims.verdict import ClaimRow

CLAIM = Claim("d", "rotation is milder than noise")


def assess(inputs: ClaimInputs) -> list[ClaimRow]:
    """Compare what both attacks take from the same boxes, each at its largest severity."""
    for role in ("region_attack", "rotation_attack"):
        if role not in inputs.roles:
            return CLAIM.not_tested(f"no attack in the role figures.{role}")
    noise, rotation = inputs.severities("region_attack")[-1], inputs.severities("rotation_attack")[-1]
    return [
        inputs.row(
            CLAIM,
            inputs.difference(
                inputs.of("region_attack", model, acceleration, noise).ssim_drop,
                inputs.of("rotation_attack", model, acceleration, rotation).ssim_drop,
            ),
            measure=f"SSIM lost under noise of {100 * noise:g}% minus that under rotations up to {rotation:g} degrees",
            models=(model,),
            attack=f"{inputs.roles['region_attack']} vs {inputs.roles['rotation_attack']}",
            acceleration=acceleration,
            severity=noise,
            above=0.0,
        )
        for model in inputs.models
        for acceleration in inputs.accelerations
    ]
