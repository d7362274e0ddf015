"""What a data set of written lines is, for those who use it: a page of Markdown that goes with the files."""

import collections
import json
from collections.abc import Iterable
from typing import Any

from graves_jax.synthesis.formats import FORMATS
from graves_jax.synthesis.plan import Plan
from graves_jax.synthesis.shards import SUMS, Summary


def data_card(plan: Plan, description: dict[str, Any], command: str, summaries: list[Summary]) -> str:
    """The card. It says nothing of who wrote the lines and when, so that the same data set has the same card.

    Args:
      description: the plan's.
      command: that makes the data set.
    """
    lines, points = (sum(getattr(summary, name) for summary in summaries) for name in ("lines", "points"))
    size, attempts = (sum(getattr(summary, name) for summary in summaries) for name in ("bytes", "attempts"))
    characters, hands, faults = (
        _added(getattr(summary, name) for summary in summaries) for name in ("characters", "hands", "faults")
    )
    num_characters, weights = sum(characters.values()), description["weights"]
    return f"""# {lines:,} handwritten lines

Written by a network, not by people: online handwriting (pen strokes) with its text, made with graves_jax
{description["versions"]["graves_jax"]}.

| | |
|---|---|
| lines | {lines:,} in {plan.shards:,} files of up to {plan.per_shard:,}, {size:,} bytes |
| points | {points:,}, {points / lines:.1f} a line |
| characters | {num_characters:,}, {num_characters / lines:.1f} a line, {len(characters)} different |
| weights | `{weights["name"]}`, sha256 of the parameters `{weights["sha256"]}` |
| licence of the weights | {weights["licence"]} |
| seed | {plan.seed} |
| bias | drawn evenly from {plan.bias[0]:g} to {plan.bias[1]:g} |
| hands | {_listed(hands)} |
| augmentation | {_listed(description["augmentation"] or {"none": ""})} |
| texts | {_listed(description["texts"])} |
| drawings | {attempts:,}: a line that goes wrong is drawn again, {attempts - lines:,} times here |
| faults | {_listed(faults) if faults else "none"}: lines that are wrong after the last try are kept, and marked |
| made with | {_listed(description["versions"])} |

The licence of the weights is that of what they write, as far as it reaches; texts from a file have their own.

## Make it again

    {command}

gives the same bytes on the same kind of machine with the versions above, whatever the engine. `sha256sum --check
{SUMS}` tells whether the files are as they were written.

## Read it

```python
{FORMATS[plan.format].reading}
```

A line has its number (`id`), its `text`, its ink, the `bias` and `hand` it was written with, how often it was drawn
(`attempts`), and the `fault` that it has all the same, or none. Ink is a list of pen movements (dx, dy, end_of_stroke),
y downwards, in the unit of the data that the weights were learned from; the pen starts at the origin, which has no row,
and end_of_stroke is 1 on the last point before the pen lifts. (InkML has positions in place of movements.)

## Characters

{_table(characters)}
"""


def _added(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total = collections.Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {format(value, ',') if isinstance(value, int) else value}".strip()
        for name, value in values.items()
    )


def _table(characters: dict[str, int]) -> str:
    """How often each character stands, as JSON, which has a form for every character."""
    return f"```json\n{json.dumps(characters, ensure_ascii=False)}\n```"
