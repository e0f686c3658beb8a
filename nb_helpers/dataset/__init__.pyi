from .augment import (
    Augment as Augment,
    KeyedEpochs as KeyedEpochs,
    photo_augment as photo_augment)
from .cache import ArrayCache as ArrayCache
from .clips import (
    clip_augment as clip_augment,
    clip_dls as clip_dls,
    ClipCache as ClipCache,
    ClipWindow as ClipWindow,
    film_strip as film_strip,
    roi_table as roi_table)
from .decode import fit_temperature as fit_temperature
from .duplicates import (
    find_duplicates as find_duplicates,
    label_conflicts as label_conflicts,
    resolve_conflicts as resolve_conflicts,
    show_clusters as show_clusters)
from .images import (
    cache_images as cache_images,
    drop_unreadable as drop_unreadable,
    image_dls as image_dls,
    open_fit as open_fit,
    open_image as open_image,
    Preparation as Preparation)
from .items import (
    check_leaks as check_leaks,
    class_table as class_table,
    cluster_table as cluster_table,
    make_folds as make_folds,
    match_distribution as match_distribution,
    pretrain_items as pretrain_items,
    split_items as split_items,
    use_fold as use_fold)
from .labelstudio import Ratings as Ratings, read_exports as read_exports
from .pairs import (
    find_pairs as find_pairs,
    pair_augment as pair_augment,
    pair_dls as pair_dls,
    pair_facts as pair_facts,
    scene_table as scene_table,
    show_pairs as show_pairs,
    split_pairs as split_pairs)
from .sources import (
    from_csv as from_csv,
    from_csvs as from_csvs,
    read_clips as read_clips,
    read_items as read_items)
from .task import Task as Task
