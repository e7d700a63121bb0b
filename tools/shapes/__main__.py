"""`python -m gendr.tools.shapes`."""

from gendr.tools.shapes.command import main

if __name__ == "__main__":
    raise SystemExit(main())
