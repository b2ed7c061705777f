"""Versions and numbers of sections, which look like addresses and dates: told by what stands around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.detect.finder import before, behind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maskgate.detect.spans import Spans
    from maskgate.detect.text import Text

_ROW = "[0-9]+(?:[.][0-9]+){2,3}(?: to | and | or | ?[,&-] ?)v?"
_AGENTS = "Chrome|Chromium|CriOS|Edge?|EdgA|Electron|Firefox|OPR|SamsungBrowser|Version|Vivaldi|YaBrowser"
_CALLED = (
    r"(?:(?i:\b(?:versions?|ver|v|release|build|firmware|rv|rev|revision|sections?|chapter|clause|figure|paragraph|article|oid)"
    rf"|§)[ .:#=v(\-\x22']*(?:{_ROW})*|\b(?:{_AGENTS})/)$"
)
_GOES_ON = (
    r"(?i)^[-.](?:tar|tgz|zip|whl|jar|dll|exe|so|deb|rpm|msi|dmg|apk|nupkg)\b|^[-.+]?(?:beta|alpha|rc|snapshot|build)"
    r"(?:[.0-9]|\b)"
)
# "python 3.11.14", "react@16.8.28", "postgres:9.6.24" and "numpy>=1.10.12" have the form of a day.
_PROGRAMS = (
    r"(?i)(?:\b(?:python|numpy|pandas|pip|conda|node|npm|java|jdk|jre|kotlin|scala|spark|ruby|rails|php|perl|rust|go|golang"
    r"|swift|django|flask|react|angular|vue|spring|linux|kernel|ubuntu|debian|centos|fedora|windows|macos|ios|android"
    r"|nginx|apache|tomcat|postgres(?:ql)?|mysql|mariadb|redis|docker|kubernetes|helm|kafka|airflow|chrome|firefox|safari"
    r"|openssl|openssh|git|gcc|cuda|api|sdk|app)[ /-]|[a-z][@:]|[=~<>^]=? ?)$"
)


def is_no_version(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are not called a version or a section by the text around them."""
    return ~(before(text, spans, _CALLED) | behind(text, spans, _GOES_ON, 10))


def is_of_no_program(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which do not stand right behind the name of a program, or where only a version would."""
    return ~before(text, spans, _PROGRAMS, 16)
