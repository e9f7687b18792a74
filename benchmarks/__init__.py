"""Speed of the attacks against a plain implementation on stock fastMRI modules; not part of the workflow."""
