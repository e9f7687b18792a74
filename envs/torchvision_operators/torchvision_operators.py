"""Lets `import torchvision` work where its compiled operators were made for another build of torch.

torchvision looks up `torchvision::nms` and `torchvision::qnms` while it is imported, and fails where they are missing.
torch calls `declare` at the end of its own import (entry point `torch.backends`). Calling them still fails: nothing in
AdvMRI, fastmri or PyTorch Lightning does.
"""

import torch

_LIBRARY = torch.library.Library("torchvision", "FRAGMENT")


def declare() -> None:
    """Declare the operators, without an implementation."""
    for name in ("nms", "qnms"):
        _LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
