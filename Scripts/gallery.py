"""Makes Docs/Gallery.md and its pictures of the studies in Docs/Gallery, which are the only place of their text.

    .venv/bin/python Scripts/gallery.py --understudy .build/release/understudy   run the studies, draw, write the page
    python3 Scripts/gallery.py --check                                           whether page and pictures are there

Drawing needs a Python that has vl-convert-python. With --results FOLDER the results stay there, and only what is missing is
trained. In a study's file the first comment is the heading and text of its section, and the comment above a figure that
figure's text.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
STUDIES = REPOSITORY / "Docs" / "Gallery"
PICTURES = REPOSITORY / "Docs" / "Figures" / "gallery"
PAGE = REPOSITORY / "Docs" / "Gallery.md"
ORDER = ["two-layers", "own-question", "boundaries", "observers", "alignment", "samples", "paths", "layers", "images"]
SCALE = 1.1  # pixels of a picture for each pixel of the figure: all of them together stay under 2 MB

INTRODUCTION = """# Gallery

Every kind of figure, with the lines of YAML that declare it. The first block of a section is the rest of its study, in
small: each takes seconds to a minute. To draw a section yourself:

```sh
understudy run Docs/Gallery/own-question.yaml --results gallery
```

[Figures](Figures.md) says in detail what each kind shows, and [Studies](Studies.md) what a study can say. The numbers of these
small studies are no results; those are in the [sweep](Sweep.md) and the studies of [theory](TheoryStudies.md),
[depth](DeepStudies.md) and [images](ImageStudies.md).
"""


def unfolded(comments):
    """The text of comment lines: paragraphs, each on one line."""
    lines = [re.sub(r"^ *# ?", "", line) for line in comments]
    return [" ".join(part.split()) for part in "\n".join(lines).split("\n\n") if part.strip()]


def wrapped(text, width=128):
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(lines)


def parts(path):
    """Of a study's file its heading, texts and YAML without figures, and of each figure the text, YAML, name and kind."""
    head, figures = path.read_text(encoding="utf-8").split("\nfigures:\n")
    lines = head.splitlines()
    count = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    heading, *texts = unfolded(lines[:count])
    entries = []
    for block in re.split(r"\n\n+", figures.strip("\n")):
        lines = block.splitlines()
        comments = [line for line in lines if line.lstrip().startswith("#")]
        yaml = [line for line in lines if line not in comments]
        names = {key: re.search(rf"^ *(?:- )?{key}: (\S+)$", block, re.M)[1] for key in ("name", "kind")}
        entries.append({"text": " ".join(unfolded(comments)), "yaml": "\n".join(yaml), **names})
    return heading, texts, "\n".join(head.splitlines()[count:]).strip(), entries


def page():
    kinds, sections = {}, []
    for name in ORDER:
        heading, texts, yaml, figures = parts(STUDIES / f"{name}.yaml")
        sections += [f"## {heading}", *map(wrapped, texts), f"[{name}.yaml](Gallery/{name}.yaml):", f"```yaml\n{yaml}\n```"]
        for figure in figures:
            if figure["kind"] not in kinds:
                kinds[figure["kind"]] = figure["text"]
                sections.append(f"### {figure['kind']}")
            sections += [
                wrapped(figure["text"]),
                f"```yaml\nfigures:\n{figure['yaml']}\n```",
                f"![{figure['text']}](Figures/gallery/{figure['name']}.png)",
            ]
    table = "| kind | shows |\n|---|---|\n" + "\n".join(
        f"| [`{kind}`](#{kind.lower()}) | {text} |" for kind, text in kinds.items())
    made = "<!-- Made by Scripts/gallery.py of the studies in Docs/Gallery; change those. -->"
    return "\n\n".join([made, INTRODUCTION.strip(), table, *sections]) + "\n"


def draw(understudy, results):
    import vl_convert

    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    for name in ORDER:
        folder = results / name
        subprocess.run(
            [understudy, "run", STUDIES / f"{name}.yaml", "--results", folder, "--python", sys.executable], check=True)
        for figure in parts(STUDIES / f"{name}.yaml")[3]:
            svg = (folder / "figures" / f"{figure['name']}.svg").read_text(encoding="utf-8")
            (PICTURES / f"{figure['name']}.png").write_bytes(vl_convert.svg_to_png(svg, scale=SCALE))
    print(f"{sum(path.stat().st_size for path in PICTURES.glob('*.png')) / 1e6:.2f} MB in {PICTURES}")


def check():
    """What is wrong with the page, a line each."""
    if sorted(ORDER) != sorted(path.stem for path in STUDIES.glob("*.yaml")):
        yield "Docs/Gallery has other studies than the list in Scripts/gallery.py"
    if PAGE.read_text(encoding="utf-8") != page():
        yield "Docs/Gallery.md is not what Scripts/gallery.py --page makes of its studies"
    wanted = [figure["name"] for name in ORDER for figure in parts(STUDIES / f"{name}.yaml")[3]]
    if sorted(wanted) != sorted(path.stem for path in PICTURES.glob("*.png")):
        yield "Docs/Figures/gallery has other pictures than the studies' figures; run Scripts/gallery.py"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--understudy", help="the program; runs the studies and draws their pictures")
    parser.add_argument("--results", type=pathlib.Path, help="keep the results in this folder")
    parser.add_argument("--page", action="store_true", help="write the page only")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if something is not as it should be")
    options = parser.parse_args()
    if options.check:
        problems = list(check())
        print("\n".join(problems) or "page and pictures are there")
        sys.exit(1 if problems else 0)
    if not options.page:
        if not options.understudy:
            parser.error("give --understudy PATH, --page or --check")
        with tempfile.TemporaryDirectory() as temporary:
            draw(options.understudy, options.results or pathlib.Path(temporary))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
