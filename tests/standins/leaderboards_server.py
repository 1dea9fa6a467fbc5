"""What public leaderboards answer, cut down: address to (body, content type).

Every line under ``facts/leaderboards/`` (EQ-Bench, EvalPlus, BigCodeBench, Vectara, EuroEval) stands as it
was read in the public file that ``seen`` in ``tools/knowledge/leaderboards.yaml`` names, the rest left out.
Of the two pages of the data set viewer only the form is the source's. Their figures are AUTHORED, except four
of LMArena's edition of 2026-09-13: those of ``mistral-7b-instruct-v0.2``, ``qwen2.5-coder-32b-instruct``,
``deepseek-v4-pro`` and ``glm-5.2-max``.

Addresses have no query here: one page serves every slice, and rows say to which they belong.
"""

from __future__ import annotations

import json
from pathlib import Path

FILES = Path(__file__).parent / "facts" / "leaderboards"

ARENA = {
    "industry_legal_and_government": {
        "qwen2.5-coder-32b-instruct": 1309.48,
        "gemma-3-12b-it": 1341.2,
        "ministral-8b-2410": 1237.5,
        "llama-3.1-8b-instruct": 1211.6,
        "gemma-2-9b-it": 1265.3,
        "phi-4": 1256.1,
        "mistral-7b-instruct-v0.2": 1183.99,
    },
    "industry_medicine_and_healthcare": {
        "deepseek-v4-pro": 1476.7,
        "glm-5.2-max": 1485.29,
        "qwen2.5-coder-32b-instruct": 1254.59,
        "gemma-3-12b-it": 1330.4,
        "mistral-7b-instruct-v0.2": 1175.69,
    },
    "german": {"gemma-3-12b-it": 1322.8, "llama-3.1-8b-instruct": 1188.2, "ministral-8b-2410": 1240.9},
}

OPEN_LLM = {
    "Qwen/Qwen2.5-7B-Instruct": (7.616, 75.9, 50.0, 36.5),
    "Qwen/Qwen2.5-14B-Instruct": (14.77, 81.6, 54.8, 43.4),
    "Qwen/Qwen2.5-7B": (7.616, 33.7, 25.1, 37.4),
    "meta-llama/Llama-3.1-8B-Instruct": (8.03, 49.2, 15.6, 31.1),
    "google/gemma-2-9b-it": (9.0, 74.4, 19.5, 31.9),
    "microsoft/phi-4": (14.66, 5.9, 31.6, 47.6),
    "mistralai/Ministral-8B-Instruct-2410": (8.02, 59.0, 19.6, 25.5),
    "somebody/Qwen2.5-7B-Instruct-merge": (7.616, 76.3, 50.5, 37.0),
}


def _arena() -> bytes:
    rows = [
        {
            "model_name": name,
            "organization": "",
            "license": "",
            "rating": rating,
            "rating_lower": rating - 10,
            "rating_upper": rating + 10,
            "vote_count": 1091,
            "category": category,
            "leaderboard_publish_date": "2026-09-13",
        }
        for category, ratings in ARENA.items()
        for name, rating in ratings.items()
    ]
    return _viewed(rows)


def _open_llm() -> bytes:
    rows = [
        {
            "eval_name": f"{name.replace('/', '_')}_bfloat16",
            "Precision": "bfloat16",
            "Model": f'<a target="_blank" href="https://huggingface.co/{name}">{name}</a>',
            "fullname": name,
            "#Params (B)": size,
            "IFEval Raw": ifeval / 100,
            "IFEval": ifeval,
            "MATH Lvl 5": math,
            "MMLU-PRO": knowledge,
            "Submission Date": "2024-12-18",
        }
        for name, (size, ifeval, math, knowledge) in OPEN_LLM.items()
    ]
    return _viewed(rows)


def _viewed(rows: list[dict[str, object]]) -> bytes:
    """A page of the data set viewer."""
    page = {
        "features": [],
        "rows": [{"row_idx": at, "row": row, "truncated_cells": []} for at, row in enumerate(rows)],
        "num_rows_total": len(rows),
        "num_rows_per_page": 100,
        "partial": False,
    }
    return json.dumps(page, ensure_ascii=False).encode()


def _file(name: str) -> bytes:
    return (FILES / name).read_bytes()


SCRIPT, PLAIN, JSON = "application/javascript", "text/plain; charset=utf-8", "application/json; charset=utf-8"

LEADERBOARDS: dict[str, tuple[bytes, str]] = {
    "https://eqbench.com/eqbench3.js": (_file("eqbench3.js"), SCRIPT),
    "https://eqbench.com/creative_writing.js": (_file("creative_writing.js"), SCRIPT),
    "https://eqbench.com/creative_writing_longform.js": (_file("creative_writing_longform.js"), SCRIPT),
    "https://datasets-server.huggingface.co/filter": (_arena(), JSON),
    "https://datasets-server.huggingface.co/rows": (_open_llm(), JSON),
    "https://evalplus.github.io/results.json": (_file("evalplus.json"), JSON),
    "https://bigcode-bench.github.io/results.json": (_file("bigcodebench.json"), JSON),
    "https://raw.githubusercontent.com/vectara/hallucination-leaderboard/main/README.md": (
        _file("vectara.md"),
        PLAIN,
    ),
    "https://euroeval.com/leaderboards-csv/germanic_generative.csv": (
        _file("germanic_generative.csv"),
        "text/csv",
    ),
}
