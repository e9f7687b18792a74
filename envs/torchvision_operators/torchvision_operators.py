"""Lets `import torchvision` work where its compiled operators were made for another build of torch.

torchvision registers a shape function for `torchvision::nms` while it is imported, and fails where the operator is
missing. torch calls `declare` at the end of its own import (entry point `torch.backends`). Calling `nms` still fails:
nothing in AdvMRI, fastmri or PyTorch Lightning does.
"""

import torch

_LIBRARY = torch.library.Library("torchvision", "FRAGMENT")


def declare() -> None:
    """Declare the operator, without an implementation."""
    _LIBRARY.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
