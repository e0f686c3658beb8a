from .image import (
    body_and_head as body_and_head,
    check_network as check_network,
    freeze as freeze,
    image_model as image_model,
    split_at as split_at,
    summary as summary,
    trainable_table as trainable_table,
    unfreeze as unfreeze)
from .ladder import (
    climb as climb,
    LADDER as LADDER,
    ladder_net as ladder_net,
    overfit as overfit)
from .unet import (
    check_unet as check_unet,
    TrainedMaps as TrainedMaps,
    turns as turns,
    unet_model as unet_model)
from .video import check_clips as check_clips, video_model as video_model
