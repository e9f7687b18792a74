"""What the config says of the contract's check (pydantic; imports neither torch nor numpy)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Size = Annotated[int, Field(ge=1)]


class ContractSettings(BaseModel):
    """The synthetic scan on which a network is checked before any attack; for networks that take certain sizes only."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    coils: Size = Field(4, description="C")
    rows: Size = Field(96, description="H, the readout")
    columns: Size = Field(80, description="W, the phase encoding; every second one is measured")
    crop: tuple[Size, Size] = Field((64, 64), description="h, w of the image")
    maximum: float = Field(1e-3, gt=0, description="largest value of its image")
