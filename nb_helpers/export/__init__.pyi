from .onnx import OnnxPredictor as OnnxPredictor, to_onnx as to_onnx
from .predictor import export as export, Predictor as Predictor
from .submission import (
    submit_grades as submit_grades,
    write_submission as write_submission)
