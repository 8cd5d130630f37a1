"""Prints the findings of a report as Markdown tables, study by study: python Scripts/findings_table.py REPORT.html"""

from __future__ import annotations

import html
import re
import sys


def text(cell: str) -> str:
    """What a cell says, without the small print in it."""
    cell = re.sub(r'<span class="note">.*?</span>', "", cell, flags=re.S)
    return html.unescape(re.sub(r"<[^>]+>", "", cell)).strip().replace("|", "\\|")


page = open(sys.argv[1], encoding="utf-8").read()
for section in re.findall(r'<section id="study\d+".*?</section>', page, flags=re.S):
    title = text(re.search(r"<h2[^>]*>(.*?)</h2>", section, flags=re.S).group(1))
    tables = re.findall(r'<table class="findings">.*?</table>', section, flags=re.S)
    if not tables:
        continue
    print(f"### {title}\n")
    print("| finding | expected | measured | runs | |\n|---|---|---:|---|---|")
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", "".join(tables), flags=re.S):
        cells = [text(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.S)]
        if cells:
            print("| " + " | ".join(cells) + " |")
    print()
