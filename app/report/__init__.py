"""Map reports: place sheets, maps, briefs and atlases as tagged PDF, with the numbers printed beside them."""

from app.report.request import Request
from app.report.write import make_report, write_report

__all__ = ["Request", "make_report", "write_report"]
