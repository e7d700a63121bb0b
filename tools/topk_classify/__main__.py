"""`python -m gendr.tools.topk_classify`."""

from gendr.tools.topk_classify.command import main

if __name__ == "__main__":
    raise SystemExit(main())
