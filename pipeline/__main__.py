"""`python -m pipeline` is `sweepwatch`."""

from pipeline.cli.main import main

if __name__ == "__main__":
    main()
