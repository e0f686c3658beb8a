from .clips import sample_clips as sample_clips
from .fundus import sample_fundus as sample_fundus
from .labels import sample_exports as sample_exports
from .pairs import sample_pairs as sample_pairs
from .photos import sample_photos as sample_photos
