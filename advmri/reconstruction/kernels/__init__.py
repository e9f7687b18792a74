"""The same networks computed faster: C sources, their bindings, and what they replace."""
