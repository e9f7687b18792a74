"""What the config says of the claims (pydantic; imports neither torch nor numpy)."""

from pydantic import BaseModel, ConfigDict, Field


class ClaimsSettings(BaseModel):
    """Which networks are compared, and where the words of a claim are given a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    pairs: list[tuple[str, str]] | None = Field(
        None,
        description="(a), (b): [the network said to be better, the other]; none: every varnet against every unet",
    )
    similar_slopes: float = Field(
        1.25, gt=1, description="(b): slopes are similar where their ratio is below this and above its inverse"
    )
    far_more: float = Field(2.0, gt=1, description="(c): far more is at least this many times as much")
    isolated: float = Field(
        0.5, gt=0, lt=1, description="(e): share of the sweep's range regained one step from the worst angle, at most"
    )
    barely: float = Field(0.05, gt=0, lt=1, description="(g): SSIM that the fully sampled image loses, at most")
