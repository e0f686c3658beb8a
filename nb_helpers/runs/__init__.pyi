from .compare import (
    compare as compare,
    leaderboard as leaderboard,
    paired as paired,
    plot_compare as plot_compare,
    plot_leaderboard as plot_leaderboard)
from .ledger import fetch_runs as fetch_runs, read_ledger as read_ledger
from .report import (
    report_page as report_page,
    report_raters as report_raters,
    RunEpochs as RunEpochs)
from .run import Run as Run
