"""The README: its commands run, and what it shows is what they print."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from webhook.cli import COMMANDS

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")
OFFLINE = re.compile(r"^\$ (mtls-guard .+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.+?)```", README, re.DOTALL)


def bare(text: str) -> str:
    """The text without what a terminal's width decides."""
    return "".join(text.split())


def printed(command: str) -> str:
    """All that a person sees of a command, as of a fresh clone's top folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        shlex.split(command),
        cwd=TOP,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode in {0, 1}
    return ran.stdout


def test_commands_come_first_and_are_make_targets() -> None:
    commands = [line.partition("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    targets = re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert commands == ["make demo", "make test"]
    assert {"demo", "test", "serve"} <= set(targets)


@pytest.mark.parametrize(("command", "shown"), [pair for block in blocks("console") for pair in OFFLINE.findall(block)])
def test_a_command_runs_and_prints_what_is_shown(command: str, shown: str) -> None:
    assert bare(shown) in bare(printed(command))


def test_every_command_that_is_named_in_the_text_exists() -> None:
    named = re.findall(r"(?:`|\| |\$ )mtls-guard ([a-z]+)", README)
    assert set(named) <= set(COMMANDS)
    assert {"check", "explain", "review", "serve"} <= set(named)


@pytest.mark.slow
def test_the_error_that_it_shows_is_what_the_demo_prints() -> None:
    shown = blocks("text")[0]
    assert shown.startswith("$ kubectl apply -f examples/broken/")
    assert bare(shown) in bare(printed(f"{sys.executable} -m examples.demo"))


def test_the_chart_is_where_it_is_said_to_be() -> None:
    (folder,) = set(re.findall(r"helm install \S+ (\S+)", README))
    assert (TOP / folder / "Chart.yaml").is_file()
