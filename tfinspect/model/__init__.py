"""Models: what can run. Importing this package imports no TensorFlow."""

from tfinspect.model.load import WEIGHTS as WEIGHTS
from tfinspect.model.load import load_model as load_model
from tfinspect.model.model import Model as Model
from tfinspect.model.model import Prediction as Prediction
from tfinspect.model.slim import weights_of as weights_of
from tfinspect.model.trace import Built as Built
from tfinspect.model.trace import Traced as Traced
