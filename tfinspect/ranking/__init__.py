"""Which examples pull hardest: ranked by per-example gradients, to find wrong labels."""

from tfinspect.ranking.rank import RankedExample as RankedExample
from tfinspect.ranking.rank import Ranking as Ranking
from tfinspect.ranking.rank import rank_examples as rank_examples
