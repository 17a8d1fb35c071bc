"""A network built in code, filled from a checkpoint with proof, and saved in other formats."""

from tfinspect.extraction.formats import FORMATS as FORMATS
from tfinspect.extraction.formats import Extracted as Extracted
from tfinspect.extraction.formats import check_format as check_format
from tfinspect.extraction.formats import extract as extract
from tfinspect.extraction.formats import refuse_occupied as refuse_occupied
from tfinspect.extraction.formats import save as save
from tfinspect.extraction.load import Loaded as Loaded
from tfinspect.extraction.load import Request as Request
from tfinspect.extraction.load import labels_of_file as labels_of_file
from tfinspect.extraction.load import load_network as load_network
