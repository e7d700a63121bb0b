"""`python -m gendr.tools.sort_digits`."""

from gendr.tools.sort_digits.command import main

if __name__ == "__main__":
    raise SystemExit(main())
