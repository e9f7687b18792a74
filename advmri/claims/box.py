"""What makes a box; comparisons are between scores of the same one."""

BOX = ["volume", "patient", "slice", "box"]
