"""The font of printed pages, made from Noto Sans CJK: `python -m geodata.build.font NotoSansCJK-Regular.ttc`.

Needs fonttools (requirements/build.txt). Of the 65,535 glyphs only those stay that the three languages need: the
Chinese characters of GB 2312, Big5 and its Hong Kong supplement, in their mainland and Taiwan forms; Latin, Greek and
Cyrillic; punctuation, arrows and mathematical signs.
"""

from __future__ import annotations

import sys
from pathlib import Path

FONT = Path(__file__).parents[2] / "app" / "report" / "fonts" / "NotoSansCJK.otf"
# The code points that the font has, as ranges: pages with others are set with the system's fonts beside it.
SIGNS = FONT.with_name("signs.txt")
# The faces of the collection are Japanese, Korean, Simplified, Traditional and Hong Kong Chinese.
_SIMPLIFIED = 2
_RANGES = (
    *((0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x45F), (0x1E00, 0x1EFF), (0x2000, 0x20CF)),
    *((0x2100, 0x22FF), (0x2500, 0x25FF), (0x3000, 0x303F), (0xFF00, 0xFFEF)),
)
_HAN = (0x4E00, 0x9FFF)
_SCRIPTS = "DFLT.dflt DFLT.ZHT hani.dflt hani.ZHT latn.dflt latn.ZHT grek.dflt cyrl.dflt"


def wanted() -> set[int]:
    """The code points that the font should have."""
    found = {code for low, high in _RANGES for code in range(low, high + 1)}
    for code in range(_HAN[0], _HAN[1] + 1):
        for encoding in ("gb2312", "big5", "big5hkscs"):
            try:
                chr(code).encode(encoding)
            except UnicodeEncodeError:
                continue
            found.add(code)
            break
    return found


def main(collection: str) -> None:
    """Writes the font and the list of its signs."""
    from fontTools import subset

    options = subset.Options()
    options.font_number = _SIMPLIFIED
    options.layout_features = ["locl", "kern", "mark", "mkmk", "ccmp", "pwid"]
    options.layout_scripts = _SCRIPTS.split()
    options.name_IDs = ["*"]
    font = subset.load_font(collection, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted())
    subsetter.subset(font)
    subset.save_font(font, str(FONT), options)
    codes = sorted(font.getBestCmap())
    breaks = [i for i in range(1, len(codes)) if codes[i] != codes[i - 1] + 1]
    ends = zip([0, *breaks], [*breaks, len(codes)], strict=True)
    SIGNS.write_text("".join(f"{codes[a]:X}-{codes[b - 1]:X}\n" for a, b in ends), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1])
