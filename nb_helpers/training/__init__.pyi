from .callbacks import (
    EMA as EMA,
    KeepEpochs as KeepEpochs,
    load_weights as load_weights,
    predict_scores as predict_scores,
    save_weights as save_weights,
    tensorboard_callback as tensorboard_callback,
    wandb_callback as wandb_callback)
from .loop import fit as fit, Phase as Phase
from .losses import (
    abs_rel as abs_rel,
    cut_scores as cut_scores,
    delta as delta,
    dice as dice,
    iou as iou,
    learner_metrics as learner_metrics,
    map_metrics as map_metrics,
    MapLoss as MapLoss,
    mean_intervals as mean_intervals,
    paired_means as paired_means,
    rmse as rmse,
    ssim as ssim)
from .metrics import read_epochs as read_epochs, Scores as Scores
from .resume import Resumable as Resumable, ResumeError as ResumeError
