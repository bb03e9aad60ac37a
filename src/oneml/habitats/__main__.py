"""``python -m oneml.habitats`` is ``oneml``."""

from oneml.habitats.cli.group import main

if __name__ == "__main__":
    main()
