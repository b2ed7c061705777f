"""A text a line, with dates; what must be found is in ⟦brackets⟧."""

from __future__ import annotations

FOUND = {
    "date": """
        on ⟦2024-01-05⟧
        ⟦2024-01-05T10:30:00Z⟧
        ⟦2000-04-16 11:34:35⟧
        ⟦2024/01/05⟧ and ⟦05.01.2024⟧
        ⟦2/8/1935⟧, ⟦12/31/99⟧
        ⟦5 January 2024⟧ and ⟦5th of January, 2024⟧
        ⟦January 5, 2024⟧; ⟦Jan 5 2024⟧
        ⟦5. März 2024⟧
        ⟦5 janvier 2024⟧
        ⟦31-12-2024⟧
        ⟦20240105T103000Z⟧
        ⟦5 gennaio 2024⟧, ⟦5 de janeiro de 2024⟧, ⟦30 października 2024⟧, ⟦1er janvier 2024⟧
        ⟦5 сентября 2024⟧, ⟦5. tammikuuta 2024⟧, ⟦5 Haziran 2024⟧, ⟦5 Σεπτεμβρίου 2024⟧
        ⟦2024年1月5日⟧、⟦2024년 1월 5일⟧, ⟦2024. január 5.⟧
        ⟦05-Jan-24⟧ ⟦05JUL2024⟧ ⟦Jul-05-2024⟧ [⟦10/Oct/2023:13:55:36 +0000⟧]
        ⟦05 Jan 2024 10:00:00 +0000⟧, ⟦5/1/2024 3:30 PM⟧
        ⟦1.2.24⟧ and ⟦21.4.17⟧
        dob:⟦1.2.24⟧, date_of_birth=⟦1.2.87⟧, born:⟦21.4.17⟧, geboren=⟦21.4.17⟧, "date": "⟦21.4.17⟧"
        2024-13-05
        2024-02-30
        31.04.2024
        25/30/2024
        1.2.3
        version: 21.4.17, "ver":"16.8.28", v=25.2.14, § 4.9.11, 25.6.10-rc1
        python 3.11.14, numpy==1.10.12, web:21.4.17, react@16.8.28
        1/2
        10.01.2024.5
        5 of 2024
        may 2024 be good
        2024
    """,
}
