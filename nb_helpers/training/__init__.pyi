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
    delta as delta,
    DEPTH_LOSSES as DEPTH_LOSSES,
    dice as dice,
    iou as iou,
    known as known,
    map_metric as map_metric,
    MapLoss as MapLoss,
    MASK_LOSSES as MASK_LOSSES,
    mean_of as mean_of,
    named_loss as named_loss,
    rmse as rmse,
    ssim as ssim)
from .metrics import read_epochs as read_epochs, Scores as Scores
from .resume import Resumable as Resumable, ResumeError as ResumeError
