from __future__ import annotations

import re
from importlib import import_module

import click

from maskgate.cli.main import COMMANDS

LINK = re.compile(r"\[[^\]]*\]\((?!https?://|mailto:|#)([^)#\s]+)")
CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.DOTALL | re.MULTILINE)


def documents(texts):
    return {name: text for name, text in texts.items() if name.endswith(".md")}


def code(text):
    """The code blocks and code words of a document, line by line."""
    for match in CODE.finditer(text):
        yield from (match[1] or match[2]).splitlines()


def command_of(line, name):
    """Return the command that a line calls, and what else stands in it."""
    _, *words = line.partition(" #")[0].partition(" -- ")[0].split()
    assert words[0] in COMMANDS, f"{name}: {line}"
    module, attribute, _ = COMMANDS[words[0]]
    command, words = getattr(import_module(module), attribute), words[1:]
    while isinstance(command, click.Group) and words:
        assert words[0].split("|")[0] in command.commands, f"{name}: {line}"
        command, words = command.commands[words[0].split("|")[0]], words[1:]
    return command, words


class TestDocuments:
    """What the documents point to is there."""

    def test_every_relative_link_leads_somewhere(self, texts, root):
        broken = [
            f"{name}: {link}"
            for name, text in documents(texts).items()
            for link in LINK.findall(text)
            if not ((root / name).parent / link).exists()
        ]
        assert broken == []

    def test_every_make_target_exists(self, texts):
        targets = {
            target
            for line in re.findall(r"^([\w -]+):(?!=)", texts["Makefile"], re.MULTILINE)
            for target in line.split()
        }
        for name, text in documents(texts).items():
            for line in code(text):
                for target in re.findall(r"^\s*(?:\$ )?make ([a-z-]+)", line):
                    assert target in targets, f"{name}: make {target}"

    def test_every_command_exists_and_has_the_options_shown(self, texts):
        for name, text in documents(texts).items():
            for line in code(text):
                for shown in re.findall(r"^\s*(?:\$ )?(maskgate [a-z].*)", line):
                    command, words = command_of(shown, name)
                    options = {option for each in command.params for option in each.opts}
                    for word in words:
                        if word.startswith("--"):
                            assert word.partition("=")[0] in {*options, "--help"}, f"{name}: {shown}"

    def test_every_decision_is_listed(self, texts):
        index = texts["docs/decisions/README.md"]
        pages = [name.rpartition("/")[2] for name in texts if name.startswith("docs/decisions/")]
        assert [page for page in pages if page != "README.md" and f"({page})" not in index] == []
