"""The text of a key is base64 alone, or versions with their base64."""

from __future__ import annotations

import base64

import pytest

from maskgate.keys.key_text import decoded, entries_of

NEW, OLD = bytes(range(32)), bytes(range(32, 64))
N, O = (base64.b64encode(each).decode() for each in (NEW, OLD))  # noqa: E741  they stand in tables


class TestKeyText:
    """Every way of writing it down means the same."""

    @pytest.mark.parametrize(
        ("text", "versions"),
        [
            pytest.param(N, {1: NEW}, id="base64 alone is version 1"),
            pytest.param(f"\n  {N}\t\n\n", {1: NEW}, id="white space around it"),
            pytest.param(f"# of the people\n\n{N}  # made in May, by hand\n", {1: NEW}, id="comments and blank lines"),
            pytest.param(f"\ufeff{N}\r\n", {1: NEW}, id="a mark of Windows before it"),
            pytest.param(f"7:{N}", {7: NEW}, id="one with a version"),
            pytest.param(f"2:{N}\n1:{O}\n", {2: NEW, 1: OLD}, id="a line each"),
            pytest.param(f"1:{O}\n2:{N}", {1: OLD, 2: NEW}, id="in any order"),
            pytest.param(f"2:{N},1:{O}", {2: NEW, 1: OLD}, id="with commas, as in a variable"),
            pytest.param(f"2 : {N} , 1: {O},\r\n", {2: NEW, 1: OLD}, id="with spaces, a last comma and Windows lines"),
            pytest.param(f"# old ones, kept\n10:{N}\n9:{O} # until June, or later", {10: NEW, 9: OLD}, id="two digits"),
        ],
    )
    def test_it_is_read(self, text, versions):
        found = decoded(text, "x")
        assert (dict(found.versions), found.problem) == (versions, "")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param("", "x holds 0 bytes, which is too short", id="nothing at all"),
            pytest.param("# nothing\n\n,", "x holds 0 bytes", id="nothing but a comment"),
            pytest.param("1:", "x holds 0 bytes", id="a version without a key"),
            pytest.param(f"{N}\n{O}", "entry 1 of x does not begin with a version", id="two without versions"),
            pytest.param(f"{N[:20]}\n{N[20:]}", "a key without a version is alone, on one line", id="two lines of one"),
            pytest.param(f"2:{N}\n{O}", "entry 2 of x does not begin with a version", id="one without its version"),
            pytest.param(f"2:{N}\n2:{O}", "x holds version 2 twice", id="a version twice"),
            pytest.param(f"2:{N}\n2:{N}", "x holds version 2 twice", id="twice the same"),
            pytest.param(f"2:{N}\n02:{O}", "entry 2 of x does not begin with a version", id="a leading nought"),
            pytest.param(f"0:{N}\n1:{O}", "entry 1 of x does not begin with a version", id="version nought"),
            pytest.param(f"-1:{N}", "x holds a version that is no whole number from 1", id="a negative version"),
            pytest.param(f"0:{N}", "x holds a version that is no whole number from 1", id="version nought alone"),
            pytest.param(f"2:{N}\n1:{O[:-2]}!=", "x does not hold base64 in version 1", id="a stray character"),
            pytest.param(f"2:{N}\n1:MTIz", "x holds 3 bytes in version 1, which is too short", id="a short one"),
        ],
    )
    def test_it_is_refused(self, text, words):
        found = decoded(text, "x")
        assert words in found.problem
        assert not found.versions
        assert not any(part in found.problem for part in (N[:8], O[:8]))

    def test_what_was_found_does_not_show(self):
        assert N not in repr(decoded(N, "x"))
        assert repr(decoded(N, "x")) == "Found(problem='')"
        assert repr(dict(decoded(N, "x").versions)) == "{1: <32 hidden bytes>}", "also in frames that hold the versions"
        assert N not in repr(entries_of(N, "x"))

    def test_a_wrapped_key_may_hold_colons(self):
        assert dict(entries_of("vault:v1:abc=", "x").texts) == {1: "vault:v1:abc="}
        assert dict(entries_of("3:vault:v2:abc=\n1:vault:v1:def=", "x").texts) == {
            3: "vault:v2:abc=",
            1: "vault:v1:def=",
        }
