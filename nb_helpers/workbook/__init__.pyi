from .command import nb_sweep as nb_sweep
from .experiment import Experiment as Experiment
