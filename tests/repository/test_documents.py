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

    def test_every_command_exists(self, texts):
        for name, text in documents(texts).items():
            for line in code(text):
                for command, below in re.findall(r"^\s*(?:\$ )?maskgate ([a-z]+)(?: ([a-z]+))?", line):
                    assert command in COMMANDS, f"{name}: maskgate {command}"
                    module, attribute, _ = COMMANDS[command]
                    group = getattr(import_module(module), attribute)
                    if isinstance(group, click.Group):
                        assert below in group.commands, f"{name}: maskgate {command} {below}"

    def test_every_decision_is_listed(self, texts):
        index = texts["docs/decisions/README.md"]
        pages = [name.rpartition("/")[2] for name in texts if name.startswith("docs/decisions/")]
        assert [page for page in pages if page != "README.md" and f"({page})" not in index] == []
