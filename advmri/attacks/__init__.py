"""Threat models, objectives and optimisers of the audit."""
