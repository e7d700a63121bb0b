"""The thesis's findings about renderers beside what a results file says: `python -m gendr.tools.bench.fidelity`."""
