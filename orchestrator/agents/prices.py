"""What tokens cost, from a maintained list of prices that needs no network.

Knows how a route's provider and model are called there. An agent's own figure goes before; a model that the list does
not know stays unknown. What is read from a provider's cache is taken to cost what is not: agents tell it apart in too
many ways, so a computed cost is rather too high than too low.
"""

from __future__ import annotations

from functools import lru_cache

from orchestrator.core.model import Usage
from orchestrator.core.values import replace


def priced(usage: Usage, provider: str, model: str | None) -> Usage:
    """With what its tokens cost, where nobody said a cost and they are known. `model` may be `provider/model`."""
    if usage.usd is not None or model is None or not usage.tokens:
        return usage
    usd = _usd(usage.tokens_in or 0, usage.tokens_out or 0, provider, model)
    return usage if usd is None else replace(usage, usd=usd, computed=True)


@lru_cache(maxsize=4096)
def _usd(tokens_in: int, tokens_out: int, provider: str, model: str) -> float | None:
    """US dollars. The list is loaded when something is priced for the first time."""
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    within, slash, name = model.rpartition("/")
    tokens = Tokens(input_tokens=tokens_in, output_tokens=tokens_out)
    for place in dict.fromkeys((within.rpartition("/")[2] if slash else provider, None)):
        try:
            return float(calc_price(tokens, model_ref=name, provider_id=place).total_price)
        except LookupError:
            continue
    return None
