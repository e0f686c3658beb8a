from .clips import sample_clips as sample_clips
from .photos import (
    sample_exports as sample_exports,
    sample_fundus as sample_fundus,
    sample_pairs as sample_pairs,
    sample_photos as sample_photos)
