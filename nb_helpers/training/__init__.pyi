from .callbacks import (
    EMA as EMA,
    KeepEpochs as KeepEpochs,
    load_weights as load_weights)
from .loop import fit as fit, Phase as Phase
from .losses import (
    cut_scores as cut_scores,
    learner_metrics as learner_metrics,
    map_metrics as map_metrics,
    MapLoss as MapLoss,
    mean_intervals as mean_intervals,
    paired_means as paired_means)
from .metrics import Scores as Scores
from .resume import (
    Checkpoint as Checkpoint,
    Resumable as Resumable,
    ResumeError as ResumeError)
