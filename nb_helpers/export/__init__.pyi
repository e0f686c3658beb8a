from .onnx import OnnxPredictor as OnnxPredictor, to_onnx as to_onnx
from .predictor import export as export, Predictor as Predictor
from .submission import write_submission as write_submission
