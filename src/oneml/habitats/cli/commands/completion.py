"""``oneml completion``."""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from oneml.habitats.cli.printing import remark

SHELLS = {
    "bash": "oneml completion bash > ~/.local/share/bash-completion/completions/oneml",
    "zsh": "oneml completion zsh > ~/.zfunc/_oneml    # a folder of $fpath",
    "fish": "oneml completion fish > ~/.config/fish/completions/oneml.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)), required=False)
@click.pass_context
def completion(context: click.Context, shell: str | None) -> None:
    """Print what makes SHELL complete commands, options, habitats, sessions and nodes; by default for the shell in use.

    \b
    To keep it:
      oneml completion bash > ~/.local/share/bash-completion/completions/oneml
      oneml completion zsh > ~/.zfunc/_oneml    # a folder of $fpath
      oneml completion fish > ~/.config/fish/completions/oneml.fish
    """
    name = shell or Path(os.environ.get("SHELL", "")).name
    found = get_completion_class(name) if name in SHELLS else None
    if found is None:
        message = f"Which shell this is cannot be told. Name it: oneml completion {'|'.join(SHELLS)}."
        raise click.UsageError(message)
    root = context.find_root()
    program = (root.info_name or "oneml").rpartition("/")[2]
    variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
    click.echo(found(root.command, {}, program, variable).source())
    remark(f"To keep it: {SHELLS[name].replace('oneml', program, 1)}")
