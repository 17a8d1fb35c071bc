"""Proof that weights fit their network: checks, golden logits, the first layer that diverges."""

from tfinspect.verification.proof import Verification as Verification
from tfinspect.verification.proof import verify as verify
