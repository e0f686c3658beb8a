from .command import nb_run as nb_run, nb_sweep as nb_sweep
from .experiment import Experiment as Experiment
