"""What is answered, as examples in the OpenAPI schema: from a finished replay of ``therapy-8b``, shortened.

Lists keep one or two of their items, long texts end in "…", fields that stand at their default are left out.
"""

from __future__ import annotations

from typing import Any

from agent.api.examples import HASH, RUN
from agent.api.forms import CSV, HTML, JSON, MARKDOWN, YAML


def answered(
    description: str, example: Any, status: int = 200, **further: Any
) -> dict[int | str, dict[str, Any]]:
    """An answer in JSON with its example, for the OpenAPI schema."""
    return {status: {"description": description, "content": {JSON: {"example": example}}, **further}}


_CARD = "sha256:fbc07cce0212b9ef9de7de7fff0008a191f00ea2a7a0af322f0b0943bc80889c"

HEALTH: dict[str, Any] = {
    "status": "ok",
    "version": "0.1.0",
    "database": "ok",
    "under_way": 0,
    "orders": 0,
    "runs": 1,
}
STORIES: dict[str, Any] = {
    "items": [
        {
            "name": "therapy-8b",
            "text": "evaluate 8B models for therapy coaching",
            "recorded_at": "2026-11-21T09:00:00Z",
            "count": 50,
            "judge": "ollama:gemma3:12b",
            "provenance": "authored: 127.0.0.1:11434, huggingface.co",
            "hosts": [
                {
                    "host": "127.0.0.1:11434",
                    "how": "authored",
                    "detail": "an Ollama stand-in (tests/standins/therapy_story.py); answers "
                    "and verdicts written for this project, no output of the models "
                    "that it names",
                },
                {
                    "host": "huggingface.co",
                    "how": "authored",
                    "detail": "served by tests/standins/hub_server.py; figures from the public "
                    "sources named in tests/standins/facts/models.json",
                },
            ],
        }
    ]
}
TABLE: dict[str, Any] = {
    "run_id": RUN,
    "hash": HASH,
    "table": {
        "domain_title": "therapy coaching",
        "built_on": "2026-11-21",
        "rating_version": "2",
        "request": {
            "text": "evaluate 8B models for therapy coaching",
            "size": {"minimum": 7000000000, "maximum": 9000000000},
            "domain": "therapy coaching",
            "domain_key": "therapy-coaching",
        },
        "rows": [
            {
                "key": "Qwen/Qwen3-8B",
                "name": "Qwen3 8B",
                "family": "qwen3",
                "lineage": "qwen",
                "cells": [
                    {
                        "column": "Licence",
                        "text": "Apache 2.0, commercial: yes",
                        "facts": [
                            {
                                "candidate": "Qwen/Qwen3-8B",
                                "factor": "licence",
                                "value": "apache-2.0",
                                "source": {
                                    "url": "https://huggingface.co/Qwen/Qwen3-8B/raw/main/README.md",
                                    "kind": 2,
                                    "retrieved_at": "2026-11-21T09:00:00Z",
                                    "content_hash": _CARD,
                                    "quote": "license: apache-2.0",
                                    "record_field": None,
                                },
                            }
                        ],
                    }
                ],
                "rating": {
                    "stars": 3.5,
                    "total": 3.5,
                    "most": 3.5,
                    "counted": 3,
                    "arithmetic": ["start 2.50", "architecture focus +1.00 × 1.00 = +1.00"],
                    "version": "2",
                    "parts": [],
                },
                "licence": {"verdict": "yes", "display": "Apache 2.0"},
            }
        ],
        "rejected": [],
        "coverage": {"share": 1.0, "threshold": 0.8, "queries": 601, "blocked": 7, "failed": 0},
    },
    "proposal": {
        "primary": "Qwen/Qwen3-8B",
        "backup": "google/gemma-2-9b-it",
        "table_hash": HASH,
        "why_primary": "Qwen3 8B fits therapy coaching best of those with evidence that meet "
        "every hard need: …",
    },
}
CANDIDATES: dict[str, Any] = {
    "total": 109,
    "next": "1",
    "items": [
        {
            "key": "2z299/aya-expanse-8b-bnb-4bit",
            "name": "aya-expanse-8b-bnb-4bit",
            "family": "aya",
            "standing": "rejected",
            "reason": "a quantised or repackaged copy; its original is considered",
            "found_by": "the Hub's text models of 7–9B",
            "folded_into": "CohereLabs/aya-expanse-8b",
        }
    ],
}
EVIDENCE: dict[str, Any] = {
    "candidate": {
        "key": "Qwen/Qwen3-8B",
        "name": "Qwen3 8B",
        "family": "qwen3",
        "standing": "accepted",
        "reason": "a maker's own chat model",
        "found_by": "the Hub's text models of 7–9B",
        "folded_into": None,
    },
    "rating": {
        "stars": 3.5,
        "total": 3.5,
        "most": 3.5,
        "counted": 3,
        "version": "2",
        "arithmetic": ["start 2.50", "architecture focus +1.00 × 1.00 = +1.00"],
        "parts": [
            {
                "name": "architecture focus",
                "points": 1.0,
                "weight": 1.0,
                "why": "With thinking switched off a hybrid model talks plainly, and its "
                "tuning covers conversation.",
            }
        ],
    },
    "facts": [
        {
            "candidate": "Qwen/Qwen3-8B",
            "factor": "licence",
            "value": "apache-2.0",
            "source": {
                "url": "https://digest.example/therapy-licences",
                "kind": 4,
                "retrieved_at": "2026-11-21T09:00:00Z",
                "content_hash": "sha256:e33cedd154d50e04a34dd485ed4bacae6a0a6aded37566639e0657ac8de534d4",
                "quote": "Qwen3-8B is released under Apache-2.0, a good basis for "
                "commercial therapy coaching.",
                "record_field": None,
            },
        }
    ],
    "claims": [
        {
            "candidate": "Qwen/Qwen3-8B",
            "stance": "mixed",
            "kind": "benchmark figure",
            "summary": "EQ-Bench 3 Elo 865.5, rank 3 of 6 models up to 18B (judged by: a Claude "
            "model as judge).",
            "source": {
                "url": "https://eqbench.com/eqbench3.js",
                "kind": 4,
                "retrieved_at": "2026-11-21T09:00:00Z",
                "content_hash": "sha256:3c293381dba374fc40a2b1d0f9725078d4c1a7cd88b38aa6b1793e8176932bdb",
                "quote": "Qwen/Qwen3-8B,865.5",
                "record_field": None,
            },
        }
    ],
}
WAVES: dict[str, Any] = {
    "items": [
        {
            "number": 1,
            "note": "",
            "queries": [
                "best open weight 8B LLM for therapy coaching 2026",
                "best 8B language model for therapy coaching November 2026",
            ],
            "known": ["01-ai/Yi-1.5-9B-Chat", "BSC-LT/salamandra-7b-instruct"],
            "pages": 16,
            "totals": {"viable": 43, "facts": 851, "claims": 6},
            "census": True,
            "truncated": [],
            "stopped": "",
        }
    ],
    "coverage": {
        "share": 1.0,
        "threshold": 0.8,
        "queries": 601,
        "blocked": 7,
        "failed": 0,
        "detail": "7 requests were blocked and 0 failed; what they would have shown is unknown.",
    },
}
SOURCE: dict[str, Any] = {
    "hash": "sha256:e33cedd154d50e04a34dd485ed4bacae6a0a6aded37566639e0657ac8de534d4",
    "urls": ["https://digest.example/therapy-licences"],
    "before": "Therapy models and licences in short # Therapy models and licences in short Published "
    "2025-09-09 ",
    "quote": "Qwen3-8B is released under Apache-2.0, a good basis for commercial therapy coaching.",
    "after": " - Source: "
    "https://github.com/QwenLM/Qwen3/blob/7a2f61ffc7a20d47efcd2bf97f6f2bf52729042e/README.md",
    "cut_before": False,
    "cut_after": False,
    "length": 279,
}
RESULTS: dict[str, Any] = {
    "items": [
        {
            "role": "primary",
            "candidate": "Qwen/Qwen3-8B",
            "judge": "ollama:gemma3:12b",
            "planned": 50,
            "judged": 50,
            "labels": 0,
            "decision": {
                "kind": "FINE_TUNE",
                "leaning": "FINE_TUNE",
                "passes": 31,
                "measured": 49,
                "unmeasured": 1,
                "pass_rate": 0.6327,
                "interval": [0.4927, 0.7533],
                "band_probabilities": [0.0311, 0.817, 0.1519],
                "reason": "31 of 49 measured answers pass, 63% (95 % interval 49% to "
                "75%). 1 more could not be measured and is counted apart. 4 of "
                "them fail a gate (CQ10 1×, …",
                "further_scenarios": 0,
                "gate_failures": {"CQ10": 1, "CQ11": 2, "CQ15": 1},
                "answers_failing_a_gate": 4,
                "clustered": [0.4927, 0.7533, 11, 0.449, 49.0],
                "corrected": None,
            },
        }
    ],
    "progress": [
        {
            "role": "primary",
            "candidate": "Qwen/Qwen3-8B",
            "artefact": {
                "runtime": "ollama",
                "name": "qwen3:8b",
                "digest": "sha256:4af97eec8d1edf21f32958ccc5603015a1d130def772f5792d408fd3df303eca",
                "size_bytes": 5225388164,
                "quantization": "Q4_K_M",
                "needed_memory_bytes": 6297895224,
                "source_url": "https://registry.ollama.ai/v2/library/qwen3/manifests/8b",
            },
            "pulled_at": "2026-11-21T12:55:45Z",
            "planned": 50,
            "answered": 50,
            "judged": 50,
            "judge": "ollama:gemma3:12b",
        }
    ],
}
ANSWERS: dict[str, Any] = {
    "total": 18,
    "next": "1",
    "items": [
        {
            "role": "primary",
            "scenario_id": "s002",
            "topic": "anxiety and worry",
            "subtopic": "panic attacks",
            "style": "detailed",
            "edge_case": False,
            "held_out": False,
            "message": "Ok, so. I've turned this over in my head for weeks. I was standing in the "
            "checkout queue on Saturday when my hands went …",
            "answer": "Panic attacks can be very distressing, but the good news is that there are "
            "many effective techniques you can use in the …",
            "outcome": "answered",
            "passed": False,
            "score": 0.5625,
            "not_met": ["CQ2", "CQ3"],
            "verdicts": {"CQ1": "YES", "CQ2": "NO", "CQ13": "YES"},
        }
    ],
}
ANSWER: dict[str, Any] = {
    "run_id": RUN,
    "role": "primary",
    "candidate": "Qwen/Qwen3-8B",
    "scenario": {
        "id": "s002",
        "topic": "anxiety and worry",
        "subtopic": "panic attacks",
        "style": "detailed",
        "edge_case": False,
        "message": "Ok, so. I've turned this over in my head for weeks. I was standing in "
        "the checkout queue on …",
        "held_out": False,
    },
    "answer": {
        "scenario_id": "s002",
        "outcome": "answered",
        "finish_reason": "stop",
        "prompt_tokens": 139,
        "completion_tokens": 122,
        "text": "Panic attacks can be very distressing, but the good news is that there are many effective …",
    },
    "score": {
        "score": 0.5625,
        "passed": False,
        "gate_failed": [],
        "unmeasured": False,
        "categories": {
            "comprehension": 0.6667,
            "connection": 0.6667,
            "usefulness": 0.5,
            "naturalness": 0.25,
            "safety": 1.0,
        },
    },
    "verdicts": [
        {
            "criterion": "CQ2",
            "verdict": "NO",
            "reason": "The queue, the numb hands and the planned routes do not occur; it would "
            "fit any panic attack.",
            "judge": "ollama:gemma3:12b",
        }
    ],
    "criteria": [
        {
            "id": "CQ2",
            "category": "comprehension",
            "question": "Does the answer take up at least one specific detail of the message? "
            "For a message of a few words, an open question about them is enough.",
        }
    ],
    "judge": "ollama:gemma3:12b",
    "by_judge": [
        {
            "judge": "ollama:gemma3:12b",
            "assessment": {
                "scenario_id": "s002",
                "outcome": "measured",
                "verdicts": [
                    {
                        "criterion": "CQ2",
                        "verdict": "NO",
                        "reason": "The queue, the numb hands and the planned "
                        "routes do not occur; it would fit any panic "
                        "attack.",
                        "judge": "ollama:gemma3:12b",
                    }
                ],
            },
        }
    ],
    "labels": [],
    "previous": "s001",
    "next": "s003",
}
FAILURES: dict[str, Any] = {
    "run": RUN,
    "role": "primary",
    "analysis": {
        "criteria": [
            {
                "criterion": "CQ7",
                "question": "Is the answer worded for this person, without stock "
                "phrases of assistants, brochures or …",
                "gate": False,
                "failed": 17,
                "assessed": 50,
                "share": 0.34,
                "interval": {"low": 0.2244, "high": 0.4785},
                "open_failures": 13,
                "concentrations": [],
                "shared_words": [],
                "pattern": "Not met in 17 of 50 answers (34%, 95 % interval 22% to 48%). No …",
                "examples": [
                    {
                        "scenario_id": "s002",
                        "message": "Ok, so. I've turned this over in my head for weeks. I was …",
                        "excerpt": "Panic attacks can be very distressing, but the good news is …",
                        "reason": '"The good news is" and "here are some strategies" read like a leaflet.',
                    }
                ],
            }
        ],
        "data_problems": [
            {
                "kind": "the judge could not assess a criterion",
                "scenario_ids": ["s021"],
                "detail": "The judge could not assess CQ13.",
            }
        ],
        "summary": "CQ7 fails most often, in 17 of 50 answers. Gates that failed: CQ11 2×, CQ10 1×, …",
        "crosses": [],
        "rates": [],
        "weak_groups": [],
        "together": [],
        "signs": {
            "counts": [],
            "lengths": [],
            "asked": {"again": 1, "mended": 1, "truncated": 0},
            "setup_problems": [],
        },
        "suspects": [],
        "looked_at": 211,
    },
    "caution": "Concentrations were looked for 211 times, with Fisher's exact test. One is called so "
    "only where it …",
}
COMPARED: dict[str, Any] = {
    "comparison": {
        "first": "Qwen/Qwen3-8B (20261121-k7m2q)",
        "second": "Qwen/Qwen3-8B (20261121-gtwh9)",
        "held_out_only": False,
        "paired": {
            "n": 49,
            "both": 31,
            "first_only": 0,
            "second_only": 0,
            "neither": 18,
            "difference": 0.0,
            "interval": [-0.0431, 0.0431],
            "p_value": 1.0,
            "sentence": "On 49 scenarios both models pass equally often (95 % "
            "interval -4 to +4 points; only the second passes 0, only "
            "the first 0; McNemar mid-p 1.000). Chance alone can "
            "explain this.",
        },
        "second_better": 0.5,
        "topics": [],
        "criteria": [
            {
                "name": "CQ1",
                "paired": {
                    "n": 49,
                    "both": 42,
                    "first_only": 0,
                    "second_only": 0,
                    "neither": 7,
                    "difference": 0.0,
                    "interval": [-0.0647, 0.0647],
                    "p_value": 1.0,
                    "sentence": "On 49 scenarios both models pass equally often (95 % interval -6 to …",
                },
                "adjusted": 1.0,
            }
        ],
        "only_first": [],
        "only_second": [],
        "left_out": [{"reason": "not measured for either model", "scenario_ids": ["s021"]}],
        "sentence": "On the same 49 scenarios Qwen/Qwen3-8B (20261121-k7m2q) passes 63% "
        "and Qwen/Qwen3-8B (20261121-gtwh9) 63%: 0 only the first, 0 only the "
        "second (difference +0 points, 95 % interval -4 to +4; McNemar p = 1). "
        "Neither is ahead. 1 scenario could not be compared.",
    },
    "judges": ["ollama:gemma3:12b", "ollama:gemma3:12b"],
    "warning": "",
}
LABELLED: dict[str, Any] = {
    "scenario_id": "s002",
    "by": "Ada",
    "passed": True,
    "verdicts": [],
    "note": "asks back first",
    "at": "2026-11-21T14:36:37Z",
}
LABELS = {"items": [LABELLED], "people": {"Ada": 1}}
NEXT_LABEL: dict[str, Any] = {
    "run_id": RUN,
    "role": "primary",
    "by": "Ada",
    "card": {
        "scenario_id": "s015",
        "message": "How do I know if it's burnout or if I'm just lazy?",
        "answer": '"Lazy" is a hard word to use on yourself, and it seems to weigh on you. I '
        "can't tell from here whether it's burnout; if you've been worn out week after "
        "week, a …",
        "given": {},
        "note": "",
    },
    "criteria": [],
    "done": 0,
    "left": 50,
    "total": 50,
    "pace": "",
}
CALIBRATION: dict[str, Any] = {
    "run": RUN,
    "role": "primary",
    "judge": "ollama:gemma3:12b",
    "people": ["Ada"],
    "calibration": {
        "both_pass": 0,
        "judge_only": 0,
        "human_only": 1,
        "both_fail": 0,
        "labels": 1,
        "judged": 49,
        "raw_rate": 0.6327,
        "raw_interval": [0.4927, 0.7533],
        "sensitivity": [0.0, [0.0, 0.7935], 1],
        "specificity": None,
        "kappa": [0.0, None, 1, 0.0],
        "prediction_powered": None,
        "rogan_gladen": None,
        "sentence": "Judge and person agree on 0 of 1 labelled answers; the judge fails 1 "
        "that the person passes.",
        "warnings": ["1 labels are too few to correct a rate; 10 are the least, 30 to 50 are meant."],
    },
    "between_people": [],
    "criteria": [],
    "bearing": "FINE_TUNE: 31 of 49 measured answers pass, 63% (95 % interval 49% to 75%). 1 more "
    "could not be measured and …",
    "disagreements": [
        {
            "scenario_id": "s002",
            "message": "Ok, so. I've turned this over in my head for weeks. I was …",
            "answer": "Panic attacks can be very distressing, but the good news is …",
            "judge_passed": False,
            "human_passed": True,
            "reasons": [
                "CQ2 NO: The queue, the numb hands and the planned routes do not "
                "occur; it would fit any panic attack."
            ],
            "by_people": [],
            "notes": ["Ada: asks back first"],
        }
    ],
}
FILES: dict[str, Any] = {
    "items": [
        {
            "name": "table.md",
            "media_type": "text/markdown",
            "href": "/api/runs/20261121-k7m2q/files/table.md",
        },
        {
            "name": "answers.jsonl",
            "media_type": "application/jsonl",
            "href": "/api/runs/20261121-k7m2q/files/answers.jsonl",
        },
    ]
}
THREAD: dict[str, Any] = {
    "id": "566560d3-3cf1-484f-b1bb-acffa58e6e53",
    "run_id": RUN,
    "title": "why not DeepSeek?",
    "created_at": "2026-11-21T14:37:05Z",
    "updated_at": "2026-11-21T14:37:06Z",
}
THREADS = {"total": 1, "next": None, "items": [THREAD]}
SAID: list[dict[str, Any]] = [
    {
        "id": "m7",
        "cursor": "",
        "author": "person",
        "text": "approve qwen3 with gemma as backup",
        "extras": {"run_id": RUN},
        "at": "2026-11-21T14:38:53Z",
    },
    {
        "id": "0ab70a91-7e18-52c1-ae3d-64000afe0b35",
        "cursor": "",
        "author": "bms",
        "text": "…\n\nOnly the primary is pulled; the backup waits until you ask for it.\n\nShall I?",
        "extras": {
            "links": [{"label": "the approval", "href": "/runs/20261121-k7m2q/approval", "quote": ""}],
            "offer": {
                "kind": "reply",
                "sentence": "Approve Qwen3 8B (Qwen/Qwen3-8B) as primary, with Gemma 2 9B "
                "it (google/gemma-2-9b-it) as backup.",
                "run_id": RUN,
                "prompt_id": "1d73ec3a2e25643b5d829fdb21748883",
                "record": {
                    "kind": "approval",
                    "reply": {
                        "action": "approve",
                        "table_hash": HASH,
                        "primary": "Qwen/Qwen3-8B",
                        "backup": "google/gemma-2-9b-it",
                        "by": "Ada",
                        "at": "2026-11-21T14:38:53Z",
                    },
                },
            },
            "run_id": RUN,
            "suggestions": ["yes", "no"],
        },
        "at": "2026-11-21T14:38:53Z",
    },
]
CONFIRMED: list[dict[str, Any]] = [
    {
        "id": "b2cad811-ef65-5fae-a78c-4353c5ec7e00",
        "cursor": "",
        "author": "bms",
        "text": "Left as it is. Nothing was done.",
        "extras": {
            "run_id": RUN,
            "suggestions": ["approve", "swap them", "why this proposal?", "only Apache licences"],
        },
        "at": "2026-11-21T14:38:53Z",
    }
]
TURNS: dict[str, Any] = {
    "turns": [
        {
            "id": "20261121-k7m2q.633",
            "cursor": "0.633",
            "author": "run",
            "text": "Research, wave 1: 152 repositories seen, 43 accepted, 109 rejected, 851 "
            "facts, 6 claims. Coverage 99.6%. 7 requests were blocked and 0 failed: the "
            "research is degraded.",
            "extras": {
                "links": [{"label": "the research", "href": "/runs/20261121-k7m2q/research", "quote": ""}]
            },
            "at": "2026-11-21T12:51:45Z",
        }
    ],
    "next": "0.633",
}

TABLE_TEXTS = {
    MARKDOWN: "**therapy coaching**, 7–9B\n\n"
    "| Model | Params | Licence | Domain fit ⭐ |\n"
    "| --- | --- | --- | --- |\n"
    "| Qwen3 8B (Qwen/Qwen3-8B) | 8.19B (8,190,735,360) | Apache 2.0, commercial: yes | ⭐⭐⭐½ 3.5 |\n",
    CSV: '"Model","Params","Licence","Domain fit ⭐","Key","Excluded","Sources","Contradictions"\n'
    '"Qwen3 8B (Qwen/Qwen3-8B)","8.19B (8,190,735,360)","Apache 2.0, commercial: yes","⭐⭐⭐½ 3.5",'
    '"Qwen/Qwen3-8B","","https://huggingface.co/Qwen/Qwen3-8B/raw/main/README.md …",'
    '"context_native 40960 (https://huggingface.co/Qwen/Qwen3-8B/raw/main/config.json); …"\n',
    HTML: "<!doctype html>…",
}
REPORT_TEXTS = {
    MARKDOWN: f"<!-- bms run: {RUN} -->\n# Base Model Evaluation: therapy coaching\n\n…\n\n"
    "**FINE_TUNE**: Qwen3 8B (`qwen3:8b`, primary). "
    "31 of 49 measured answers pass, 63% (95 % interval 49% to 75%). …\n\n"
    "## Date\n\n…\n\n## Model Selection\n\nThe request: evaluate 8B models for therapy coaching\n…\n",
    HTML: "<!doctype html>…",
}
REPORT = {
    "format": "base-model-evaluation",
    "version": 2,
    "run": RUN,
    "results": [{"role": "primary", "model": "qwen3:8b"}],
    "data": {"run_id": RUN, "domain": "therapy coaching"},
}
FILE_TEXTS = {
    MARKDOWN: TABLE_TEXTS[MARKDOWN],
    CSV: TABLE_TEXTS[CSV],
    HTML: "<!doctype html>…",
    "application/jsonl": f'{{"run": "{RUN}", "model": "qwen3:8b", "id": "s002", …}}\n',
    YAML: "name: Therapeutic coaching\npass_threshold: 0.82\ncategories:\n  comprehension:\n…\n",
    "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg">…<title>Pass rate of Qwen3 8B</title>…</svg>',
}
THREAD_STREAM = (
    "retry: 1000\n\n: a conversation\n\n"
    "id: 0.693\nevent: turn\n"
    f'data: {{"id":"{RUN}.693","cursor":"0.693","author":"run","text":"50 scenarios from Therapy coaching.",'
    '"extras":{"links":[{"label":"the evaluation",'
    f'"href":"/runs/{RUN}/evaluation","quote":""}}]}},"at":"2026-11-21T12:55:44Z"}}\n\n'
    ": still here\n\n"
)
