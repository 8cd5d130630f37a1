"""Draws Vega-Lite files as SVG, PNG and PDF: python -c SCRIPT MANIFEST

The manifest names the files, a folder for what a page holds, or null, and a file that grows by a byte with each figure. Status 3 says that the wheel is missing; other
failures end with Python's own status 1 and the exception's text. Clip ids count up over the life of the process, so they are
numbered anew for each file.
"""

import json, os, re, sys
parent = os.getppid()
try:
    import vl_convert as vl
except ImportError as error:
    print(error)
    sys.exit(3)

def write(path, data):
    temporary = path + ".partial"
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, path)

def in_points(svg):
    # The PDF takes a pixel for a point, which is a third larger than 96 pixels an inch.
    size = r'width="([0-9.]+)" height="([0-9.]+)"'
    return re.sub(size, lambda m: f'width="{0.75 * float(m[1])}" height="{0.75 * float(m[2])}"', svg, count=1)

def has_small_letters():
    # A letter that no font has is drawn as a box, as this one of private use is.
    text = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text x="5" y="30" font-size="20" \
font-family="DejaVu Sans, Liberation Sans">%s</text></svg>'
    return not {vl.svg_to_png(text % letter) for letter in "ₖ⁻⁰₂"} & {vl.svg_to_png(text % "\ue000")}

def plain(text):
    text = re.sub("10(⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: "1e" + m[1].translate(DIGITS), text)
    return text.translate(DIGITS)

DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹ₖ₁₂", "−0123456789k12")

with open(sys.argv[1], encoding="utf-8") as file:
    manifest = json.load(file)
page_folder = manifest["pageFolder"]
small_letters = not manifest["figures"] or has_small_letters()
for index, stem in enumerate(manifest["figures"]):
    if os.getppid() != parent:  # killed: nobody waits for what is drawn
        sys.exit(1)
    try:
        with open(stem + ".json", encoding="utf-8") as file:
            specification = file.read()
        if not small_letters:
            specification = plain(specification)
        vega = vl.vegalite_to_vega(specification)
        svg = vl.vega_to_svg(vega, allowed_base_urls=[])
        order = {}
        svg = re.sub(r"\b(clip|gradient_)(\d+)\b", lambda m: m[1] + str(order.setdefault(m[0], len(order))), svg)
        write(stem + ".svg", svg.encode("utf-8"))
        write(stem + ".png", vl.svg_to_png(svg, scale=3))
        write(stem + ".pdf", vl.svg_to_pdf(in_points(svg)))
        if page_folder:
            write(os.path.join(page_folder, f"{index}.png"), vl.svg_to_png(svg, scale=2))
        with open(manifest["progress"], "ab") as file:
            file.write(b".")
    except Exception as error:
        print(f"{os.path.basename(stem)}: {error}")
        sys.exit(1)
if page_folder:
    write(os.path.join(page_folder, "bundle.js"), vl.javascript_bundle().encode("utf-8"))
