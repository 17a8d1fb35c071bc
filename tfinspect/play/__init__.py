"""A stored graph loaded and played: values in, any tensors out."""

from tfinspect.play.feeds import ImageFiles as ImageFiles
from tfinspect.play.feeds import parse_feeds as parse_feeds
from tfinspect.play.player import Played as Played
from tfinspect.play.player import Setting as Setting
from tfinspect.play.player import play as play
