from .compare import (
    compare as compare,
    leaderboard as leaderboard,
    paired as paired)
from .ledger import read_ledger as read_ledger
from .report import (
    report_page as report_page,
    report_raters as report_raters)
from .run import Run as Run
