"""Claim (c): attacking the annotated region degrades it far more than attacking the whole image."""

from advmri.claims.inputs import Claim, ClaimInputs
from advmri.claims.verdict import ClaimRow

CLAIM = Claim("c", "attacking the annotated region degrades it far more than attacking the whole image")


def assess(inputs: ClaimInputs) -> list[ClaimRow]:
    """Compare what both attacks take from the same boxes at the same eta."""
    for role in ("region_attack", "image_attack"):
        if role not in inputs.roles:
            return CLAIM.not_tested(f"no attack in the role figures.{role}")
    common = set(inputs.severities("region_attack")) & set(inputs.severities("image_attack")) - {0.0}
    if not common:
        return CLAIM.not_tested("the two attacks have no severity in common")
    return [
        inputs.row(
            CLAIM,
            inputs.ratio(
                inputs.of("region_attack", model, acceleration, severity).ssim_drop,
                inputs.of("image_attack", model, acceleration, severity).ssim_drop,
            ),
            measure="SSIM lost in the box under the region's attack over that under the image's",
            models=(model,),
            attack=f"{inputs.roles['region_attack']} vs {inputs.roles['image_attack']}",
            acceleration=acceleration,
            severity=severity,
            above=inputs.settings.far_more,
        )
        for model in inputs.models
        for acceleration in inputs.accelerations
        for severity in sorted(common)
    ]
