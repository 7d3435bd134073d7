"""Pictures of a run's report page for the docs, as a browser shows it: wide and narrow, light and dark.

    python scripts/pages/report_pictures.py RUN [FOLDER]

Needs Chromium. Writes report-<width>-<scheme>.png into FOLDER, by default docs/images.
"""

import base64
import sys
from itertools import product
from pathlib import Path

from leanrl.report.page import write_report
from leanrl.storage.run_folder import open_run_folder
from tests.report.browser.chromium import address_of, chromium_tab

WIDTHS = {1200: 1700, 390: 2060}  # pixels across and down: as far as the first figures
SCHEMES = ("light", "dark")


def main(run: str, folder: str = "docs/images") -> None:
    page = write_report(open_run_folder(Path(run)))
    with chromium_tab() as tab:
        for (width, height), scheme in product(WIDTHS.items(), SCHEMES):
            tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            tab.open(address_of(page), width=width)
            clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
            shot = tab.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
            path = Path(folder) / f"report-{width}-{scheme}.png"
            path.write_bytes(base64.b64decode(shot["data"]))
            print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
