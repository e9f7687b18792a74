"""Motion of the patient, eq. (5)."""
